/** How far each quantized operator is from its FP32 self, in the whole model: which layers to keep in float. */
import type { LayerError } from '../report/quantization.ts';
import { copyGraph } from '../onnx/copy-graph.ts';
import { Graph, type Model, type Value } from '../onnx/ir.ts';
import { builderFor } from '../onnx/rewrite.ts';
import { sqnrOf } from '../runtime/compare.ts';
import type { MemoryTensors } from '../runtime/session.ts';
import { asFloat32 } from '../tensor/arithmetic.ts';
import { tensorType } from '../tensor/type.ts';
import type { Tell } from '../bytes/advance.ts';
import { temporarySession } from './temporary-session.ts';
import type { Written } from './writers/writer.ts';

/** The FP32 graph as it was before it was rewritten; the weights are promises that both have. */
export interface FloatGraph {
  readonly graph: Graph;
  /** What stands in the copy for a value of the model. */
  readonly known: Map<Value, Value>;
  /** By their names in the FP32 model. */
  readonly tensors: ReadonlyMap<string, Value>;
}

export function copyFloat({ graph }: Model): FloatGraph {
  const copy = new Graph(graph.name);
  const known = new Map<Value, Value>();
  copyGraph(graph, copy, { prefix: 'float.', known });
  return { graph: copy, known, tensors: new Map([...known].map(([value, own]) => [value.name, own])) };
}

export interface CompareRequest {
  readonly float: FloatGraph;
  /** Rewritten. */
  readonly model: Model;
  readonly written: readonly Written[];
  readonly batches: readonly MemoryTensors[];
  readonly workFolder: string;
  readonly tell?: Tell | undefined;
}

/**
 * Worst SQNR first. Both models run as one, which gives each layer's sums of squares: no tensor leaves onnxruntime. It
 * fuses what it fuses in the quantized model alone, because a layer is read where the model itself reads numbers; a
 * float operator that is read stays apart from the next.
 */
export async function compareLayers(request: CompareRequest): Promise<LayerError[]> {
  const { batches, written, workFolder, tell } = request;
  const options = { optimize: 'fuse', idle: 'sleep', name: 'layers.onnx' } as const;
  const { session, end } = await temporarySession(bothModels(request), { workFolder, ...options });
  try {
    const sums = written.map((): Sums => ({ signal: 0, noise: 0, maxAbs: 0 }));
    for (const [done, feeds] of batches.entries()) {
      const results = await session.run(feeds);
      sums.forEach((sum, i) => addSums(sum, asFloat32(results.get(probeName(i))!.memory)));
      tell?.({ doing: 'comparing layers', unit: 'samples', done: done + 1, of: batches.length });
    }
    return written.map((layer, i) => layerError(layer, sums[i]!)).sort(worstFirst);
  } finally {
    await end();
  }
}

interface Sums {
  signal: number;
  noise: number;
  maxAbs: number;
}

function addSums(sums: Sums, [signal, noise, maxAbs]: Float32Array): void {
  sums.signal += signal!;
  sums.noise += noise!;
  // Of no elements it is -Infinity; a NaN stays one.
  sums.maxAbs = Math.max(sums.maxAbs, maxAbs!);
}

const probeName = (layer: number): string => `torchferry.layer.${layer}`;

/** The FP32 graph with the quantized one beside it, and what layers differ by as outputs. */
function bothModels({ float: { graph, known, tensors }, model, written }: CompareRequest): Model {
  copyGraph(model.graph, graph, { prefix: 'int8.', known });
  const both: Model = { ...model, graph };
  const op = builderFor(both);
  // onnxruntime begins with what the last node needs. The first layers are needed last here and computed first there:
  // what they gave is free again before the next are computed.
  for (const [i, { tensor, value, qparams }] of [...written.entries()].reverse()) {
    const reference = tensors.get(tensor)!;
    const codes = known.get(value)!;
    const numbers = qparams
      ? op.DequantizeLinear([codes, ...[qparams.scale, qparams.zeroPoint].map((own) => own && known.get(own)!)])
      : codes;
    const difference = op.Sub([reference, numbers]);
    const scalars = [
      op.ReduceSumSquare([reference], { keepdims: 0 }),
      op.ReduceSumSquare([difference], { keepdims: 0 }),
      op.ReduceMax([op.Abs([difference])], { keepdims: 0 }),
    ];
    const probe = op.Concat(
      scalars.map((scalar) => op.Reshape([scalar, op.ints([1])])),
      { axis: 0 },
    );
    probe.name = probeName(i);
    probe.type ??= tensorType('float32', [scalars.length]);
    graph.outputs.push(probe);
  }
  return both;
}

function layerError({ node, tensor }: Written, { signal, noise, maxAbs }: Sums): LayerError {
  const sqnr = Number.isFinite(maxAbs) && Number.isFinite(signal) ? sqnrOf(signal, noise) : null;
  return { layer: node.name || tensor, operator: node.op, module: node.origin?.module ?? '', sqnr, maxAbsDiff: maxAbs };
}

/** null is "equal" unless something is not finite, which is worst of all. */
function worstFirst(a: LayerError, b: LayerError): number {
  const rank = (e: LayerError): number => e.sqnr ?? (e.maxAbsDiff === 0 ? Infinity : -Infinity);
  const [x, y] = [rank(a), rank(b)];
  return x === y ? 0 : x - y;
}
