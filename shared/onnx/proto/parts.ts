/** A model as what its file is made of, part by part: weights are promises until somebody writes them out. */
import type { ByteSource } from '../../bytes/byte-source.ts';
import type { Weights } from '../../choices.ts';
import { joinBytes } from '../../bytes/join.ts';
import type { TensorData } from '../../tensor/data.ts';
import type { Graph, Model, Node, Value } from '../ir.ts';
import { delimiter, encode } from './encode.ts';
import { EXTERNAL } from './messages.ts';
import { type Place, place, type Placement } from './placement.ts';
import { graphHead, graphTail, modelHeader, type ProtoOptions, tensorHeader } from './to-proto.ts';

/** Bytes, or a tensor whose bytes stand here as they are. */
export type Part = Uint8Array | TensorData;

export const isTensor = (part: Part): part is TensorData => !(part instanceof Uint8Array);

export interface PartsRequest {
  readonly weights: Weights;
  /** Also write the types of intermediate values. */
  readonly valueInfo: boolean;
  /** How the file of packed weights is called, beside the .onnx. */
  readonly dataFile: string;
  /** Where linked weights lie, seen from the .onnx. */
  locationOf(value: Value): string;
  /** Whether ranges of a source can be copied into the data file without reading them; left out: of none. */
  copies?(root: ByteSource): boolean;
}

export interface ModelParts {
  /** The .onnx, one behind the other. */
  readonly onnx: readonly Part[];
  readonly placement: Placement;
}

export async function modelParts(model: Model, request: PartsRequest): Promise<ModelParts> {
  const { graph } = model;
  const inline = await readInline(graph);
  const protoOptions: ProtoOptions = {
    irVersion: model.irVersion,
    valueInfo: request.valueInfo,
    bytesOf: (data) => inline.get(data)!,
  };
  const header = encode('ModelProto', modelHeader(model));
  const head = encode('GraphProto', graphHead(graph, protoOptions));
  const tail = encode('GraphProto', graphTail(graph, protoOptions));
  const placement = place({
    weights: request.weights,
    initializers: graph.initializers,
    otherBytes: header.byteLength + head.byteLength + tail.byteLength,
    locationOf: request.locationOf,
    copies: request.copies ?? (() => false),
  });
  const initializers = [...graph.initializers].flatMap((value) =>
    initializerParts(value, placement.places.get(value)!, request.dataFile),
  );
  const length = [head, tail, ...initializers].reduce((sum, part) => sum + part.byteLength, 0);
  return { onnx: [header, delimiter('ModelProto', 'graph', length), head, ...initializers, tail], placement };
}

/** An initializer up to its bytes, and its bytes where they are embedded. */
function initializerParts(value: Value, at: Place, dataFile: string): readonly Part[] {
  const data = value.data!;
  const tensor = tensorHeader(data, value.name);
  if (at.kind === 'embed') {
    const fields = encode('TensorProto', tensor);
    const raw = delimiter('TensorProto', 'raw_data', data.byteLength);
    const length = fields.byteLength + raw.byteLength + data.byteLength;
    return [joinBytes([delimiter('GraphProto', 'initializer', length), fields, raw]), data];
  }
  const location = at.kind === 'link' ? at.location : dataFile;
  const external_data = Object.entries({ location, offset: String(at.offset), length: String(data.byteLength) }).map(
    ([key, value]) => ({ key, value }),
  );
  const fields = encode('TensorProto', { ...tensor, external_data, data_location: EXTERNAL });
  return [joinBytes([delimiter('GraphProto', 'initializer', fields.byteLength), fields])];
}

/** Tensors of attributes and subgraphs: they are small and stand inside messages. */
async function readInline(graph: Graph): Promise<Map<TensorData, Uint8Array>> {
  const bytes = new Map<TensorData, Uint8Array>();
  for (const data of inlineTensors(graph.nodes)) bytes.set(data, data.memory ?? (await data.read()));
  return bytes;
}

function* inlineTensors(nodes: Iterable<Node>): Generator<TensorData> {
  for (const node of nodes) {
    for (const attribute of node.attributes.values()) if (attribute.kind === 'tensor') yield attribute.value;
    for (const subgraph of node.subgraphs()) {
      for (const { data } of subgraph.initializers) if (data) yield data;
      yield* inlineTensors(subgraph.nodes);
    }
  }
}
