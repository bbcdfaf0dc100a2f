/**
 * Which operators that a file means to be computed on codes onnxruntime really computes with integer kernels: read from
 * the model it makes of the file when it loads it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { dequantizeOf, readersOf } from '../onnx/code-groups.ts';
import type { Graph, Node, Value } from '../onnx/ir.ts';
import { everyNode, isStandard } from '../onnx/match.ts';
import { openModel } from '../onnx/proto/read.ts';
import { isIntegerKernel, isMeantForCodes, isNeverReplaced, obstacle } from '../onnx/runtime-facts/integer-kernels.ts';
import type { QuantizedOperator } from '../report/report.ts';
import { openSession } from '../runtime/session.ts';

/**
 * One row for each operator on codes, in the order of the graph; none where nothing is quantized. What is made on the
 * way lies in a folder of its own in `workFolder`, gone afterwards. Fails with `ModelDoesNotLoad`.
 */
export async function integerKernels(model: string, workFolder: string): Promise<readonly QuantizedOperator[]> {
  const meant = await graphOf(model, (graph) => [...everyNode(graph)].filter(isMeantForCodes));
  if (meant.every(isNeverReplaced)) return meant.map((node) => ({ ...named(node), kernel: node.op, reason: null }));
  const folder = await mkdtemp(join(workFolder, 'optimized-'));
  try {
    const saveOptimized = join(folder, 'model.onnx');
    await (await openSession(model, { saveOptimized })).release();
    return await graphOf(saveOptimized, (graph) => rowsOf(meant, new Optimized(graph)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function graphOf<T>(path: string, read: (graph: Graph) => T): Promise<T> {
  const { model, close } = await openModel(path);
  try {
    return read(model.graph);
  } finally {
    close();
  }
}

const rowsOf = (nodes: readonly Node[], optimized: Optimized): QuantizedOperator[] =>
  nodes.map((node) => rowOf(node, optimized));

function rowOf(node: Node, optimized: Optimized): QuantizedOperator {
  const kernel = optimized.kernelOf(node);
  return { ...named(node), kernel, reason: kernel === null ? obstacle(node) : null };
}

const named = (node: Node): Pick<QuantizedOperator, 'node' | 'operator' | 'origin'> => ({
  node: node.name || (node.outputs[0]?.name ?? ''),
  operator: node.op,
  ...(node.origin ? { origin: node.origin } : {}),
});

/** onnxruntime appends this to names it has to tell apart. */
const TOLD_APART = /_token_\d+$/;

/** The optimized graph, to be asked what became of a node. */
class Optimized {
  readonly #named = new Map<string, Node[]>();
  readonly #giving = new Map<string, Node[]>();
  readonly #reading = new Map<string, Node[]>();

  constructor(graph: Graph) {
    for (const node of everyNode(graph)) {
      add(this.#named, node.name.replace(TOLD_APART, ''), node);
      for (const output of node.outputs) add(this.#giving, output.name, node);
      for (const input of node.inputs) if (input) add(this.#reading, input.name, node);
    }
  }

  /**
   * The kernel that stands for `node`: what has its name, else what gives its result, else what reads its weights. An
   * operator on codes stays one, whatever it is merged with.
   */
  kernelOf(node: Node): string | null {
    const heirs = [this.#sameName(node), this.#sameResult(node), this.#sameWeights(node)].map((nodes) =>
      nodes.filter((found) => isIntegerKernel(found) || found.op === node.op),
    );
    const heir = heirs.flat()[0];
    return heir && isIntegerKernel(heir) ? heir.op : isIntegerKernel(node) ? node.op : null;
  }

  #sameName({ name }: Node): readonly Node[] {
    return name ? (this.#named.get(name) ?? []) : [];
  }

  #sameResult({ outputs: [result] }: Node): readonly Node[] {
    const rounded = readersOf(result!).filter((reader) => isStandard(reader, 'QuantizeLinear'));
    return [result!, ...rounded.map((reader) => reader.outputs[0]!)].flatMap(
      ({ name }) => this.#giving.get(name) ?? [],
    );
  }

  #sameWeights({ inputs }: Node): readonly Node[] {
    const stored = inputs.flatMap((input) => weightsBehind(input));
    return stored.flatMap(({ name }) => this.#reading.get(name) ?? []);
  }
}

/** Stored codes, read as they are or through DequantizeLinear. */
function weightsBehind(value: Value | null): Value[] {
  const codes = dequantizeOf(value)?.inputs[0] ?? value;
  return codes?.data && codes.data.shape.length > 1 ? [codes] : [];
}

function add(index: Map<string, Node[]>, key: string, node: Node): void {
  const known = index.get(key);
  if (known) known.push(node);
  else index.set(key, [node]);
}
