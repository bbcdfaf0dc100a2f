/** How far each quantized operator is from its FP32 self, in the whole model: which layers to keep in float. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../errors.ts';
import type { LayerError } from '../report/report.ts';
import { type Graph, type Model, Node, Value } from '../onnx/ir.ts';
import { writeModel } from '../onnx/proto/write.ts';
import { compareOutput, type OutputComparer } from '../runtime/compare.ts';
import { type MemoryTensors, type Session, withSession } from '../runtime/session.ts';
import type { Written } from './writers/writer.ts';

/** Tensors fetched in one run, at first and as bytes: what is in memory at a time, besides the models. */
const FIRST_GROUP = 8;
const GROUP_BYTES = 1 << 26;

/** The FP32 model with its layers' results as outputs. To be written before the graph is rewritten. */
export async function writeFloatLayers(model: Model, tensors: readonly Value[], workFolder: string): Promise<string> {
  const path = join(workFolder, 'layers.fp32.onnx');
  await withOutputs(model.graph, tensors, () => writeModel(model, path, { weights: 'embed' }));
  return path;
}

/** The quantized model with the same tensors, dequantized, under the same names where it can be. */
export async function writeQuantizedLayers(
  model: Model,
  written: readonly Written[],
  workFolder: string,
): Promise<LayersFile> {
  const path = join(workFolder, 'layers.int8.onnx');
  const probes = written.map(({ tensor, value, qparams }, i) => {
    if (!qparams) return { tensor, value, node: null };
    const numbers = new Value(`torchferry.layer.${i}`, null);
    return {
      tensor,
      value: numbers,
      node: new Node({ op: 'DequantizeLinear', inputs: [value, qparams.scale, qparams.zeroPoint], outputs: [numbers] }),
    };
  });
  const nodes = probes.flatMap(({ node }) => (node ? [model.graph.addNode(node)] : []));
  try {
    await withOutputs(
      model.graph,
      probes.map(({ value }) => value),
      () => writeModel(model, path, { weights: 'embed' }),
    );
  } finally {
    for (const node of nodes) model.graph.removeNode(node);
  }
  return { path, nameOf: new Map(probes.map(({ tensor, value }) => [tensor, value.name])) };
}

export interface LayersFile {
  readonly path: string;
  /** Where the int8 file has a tensor of the FP32 model. */
  readonly nameOf: ReadonlyMap<string, string>;
}

async function withOutputs(graph: Graph, values: readonly Value[], work: () => Promise<unknown>): Promise<void> {
  const kept = graph.outputs.length;
  graph.outputs.push(...new Set(values.filter((value) => !graph.isOutput(value))));
  try {
    await work();
  } finally {
    graph.outputs.length = kept;
  }
}

interface CompareRequest {
  readonly float: string;
  readonly quantized: LayersFile;
  readonly written: readonly Written[];
  readonly batches: readonly MemoryTensors[];
}

/** Worst SQNR first. Both files run as they are written, without optimizations, and are removed afterwards. */
export async function compareLayers({ float, quantized, written, batches }: CompareRequest): Promise<LayerError[]> {
  try {
    return await withSession(float, { optimize: 'none' }, (fp32) =>
      withSession(quantized.path, { optimize: 'none' }, async (int8) => {
        const comparers = written.map(({ tensor }) => compareOutput(tensor, 'float32'));
        for (const feeds of batches)
          await compareBatch(fp32, { int8, feeds, written, nameOf: quantized.nameOf, comparers });
        return written.map((layer, i) => layerError(layer, comparers[i]!)).sort(worstFirst);
      }),
    );
  } finally {
    for (const path of [float, quantized.path])
      for (const file of [path, `${path}.data`]) await rm(file, { force: true });
  }
}

interface Batch {
  readonly int8: Session;
  readonly feeds: MemoryTensors;
  readonly written: readonly Written[];
  readonly nameOf: ReadonlyMap<string, string>;
  readonly comparers: readonly OutputComparer[];
}

/** Every run computes the whole model but keeps only the tensors that are fetched: as many as fit into the budget. */
async function compareBatch(fp32: Session, { int8, feeds, written, nameOf, comparers }: Batch): Promise<void> {
  let group = FIRST_GROUP;
  for (let start = 0; start < written.length;) {
    const tensors = written.slice(start, start + group).map((w) => w.tensor);
    const expected = await fp32.run(feeds, tensors);
    const actual = await int8.run(
      feeds,
      tensors.map((tensor) => nameOf.get(tensor)!),
    );
    tensors.forEach((tensor, i) => {
      const [e, a] = [expected.get(tensor)!, actual.get(nameOf.get(tensor)!)!];
      if (e.shape.join() !== a.shape.join())
        fail('ModelDoesNotRun', {
          file: int8.file,
          reason: `"${tensor}" has shape [${a.shape}], in FP32 [${e.shape}]`,
        });
      comparers[start + i]!.add(a, e);
    });
    start += tensors.length;
    const bytes = [...expected.values()].reduce((sum, t) => sum + t.byteLength, 0);
    group = Math.max(1, Math.min(2 * group, Math.floor((group * GROUP_BYTES) / Math.max(bytes, 1))));
  }
}

function layerError({ node, tensor }: Written, comparer: OutputComparer): LayerError {
  const { sqnr, maxAbsDiff } = comparer.result();
  return { layer: node.name || tensor, operator: node.op, module: node.origin?.module ?? '', sqnr, maxAbsDiff };
}

/** null is "equal" unless something is not finite, which is worst of all. */
function worstFirst(a: LayerError, b: LayerError): number {
  const rank = (e: LayerError): number => e.sqnr ?? (e.maxAbsDiff === 0 ? Infinity : -Infinity);
  const [x, y] = [rank(a), rank(b)];
  return x === y ? 0 : x - y;
}
