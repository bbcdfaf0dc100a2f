/** Ranges of tensors over calibration data: the only step of quantization that runs the model. */
import { fail } from '../errors.ts';
import { type Graph, type Model, Value } from '../onnx/ir.ts';
import { builderFor } from '../onnx/rewrite.ts';
import type { MemoryTensors, Session } from '../runtime/session.ts';
import { asFloat32 } from '../tensor/arithmetic.ts';
import { tensorType } from '../tensor/type.ts';
import type { Range } from './formulas.ts';
import type { Watch } from './observers/observer.ts';
import { temporarySession } from './temporary-session.ts';

export interface CalibrationRequest {
  readonly model: Model;
  readonly watched: readonly Watched[];
  /** How often the watches want to see the data. */
  readonly rounds: number;
  /** Iterated once per round, and more often where tensors to count are large. */
  readonly batches: AsyncIterable<MemoryTensors>;
  /** Where the batches come from, for messages. */
  readonly file: string;
  readonly workFolder: string;
  /** A batch was run, in one of so many passes over the data. */
  readonly progress?: ((passes: number) => void) | undefined;
}

/** A tensor, and who looks at it. */
export interface Watched {
  readonly tensor: Value;
  readonly watch: Watch;
}

/** Tensors without elements are missing. */
export type Ranges = ReadonlyMap<Value, Range>;

export interface Calibrated {
  readonly ranges: Ranges;
  /** How many ranges are whose, where the observer chose among several. */
  readonly chosen: ReadonlyMap<string, number>;
}

/** How much of one batch may be fetched at a time: tensors beyond it are looked at in another pass. */
const FETCHED_ELEMENTS = 1 << 24;

/** The range of each tensor over all batches, of any shapes; NaN and infinities are refused with the tensor's name. */
export async function calibrate(request: CalibrationRequest): Promise<Calibrated> {
  const { watched, rounds } = request;
  for (let round = 0; round < rounds; round++) {
    const passes = passesOf(watched, round);
    for (const pass of passes) await runPass(request, pass, { round, passes: passes.length });
  }
  const chosen = watched.flatMap(({ watch }) => watch.chosen ?? []);
  return {
    ranges: new Map(
      watched.flatMap(({ tensor, watch }): [Value, Range][] => {
        const range = watch.range();
        return range ? [[tensor, range]] : [];
      }),
    ),
    chosen: new Map(Object.entries(Object.groupBy(chosen, (name) => name)).map(([name, all]) => [name, all!.length])),
  };
}

/** Together as many as may be fetched of one batch; one alone may be larger. */
function passesOf(watches: readonly Watched[], round: number): Watched[][] {
  const passes: Watched[][] = [[]];
  let elements = 0;
  for (const watched of watches) {
    const more = watched.watch.elements?.(round) ?? 0;
    if (elements > 0 && elements + more > FETCHED_ELEMENTS) {
      passes.push([]);
      elements = 0;
    }
    passes.at(-1)!.push(watched);
    elements += more;
  }
  return passes;
}

interface Turn {
  readonly round: number;
  /** Of the round. */
  readonly passes: number;
}

async function runPass(
  { model, batches, file, workFolder, progress }: CalibrationRequest,
  watches: readonly Watched[],
  { round, passes }: Turn,
): Promise<void> {
  const probes = addProbes(model, watches, round);
  // What is looked at has two readers, so nothing is fused across it.
  const options = { optimize: 'all', idle: 'sleep', name: 'calibrate.onnx' } as const;
  const { session, end } = await temporarySession(model, { workFolder, ...options }).finally(probes.remove);
  try {
    const looking = { file, watches, names: probes.names, round, onBatch: () => progress?.(passes) };
    const count = await absorbBatches(session, batches, looking);
    const problem = round === 0 ? 'it has no samples' : 'it can be read only once';
    if (count === 0) fail('BadCalibrationData', { file, problem, expected: 'at least one' });
  } finally {
    await end();
  }
}

interface Looking {
  readonly file: string;
  readonly watches: readonly Watched[];
  readonly names: readonly (readonly string[])[];
  readonly round: number;
  readonly onBatch: () => void;
}

async function absorbBatches(
  session: Session,
  batches: AsyncIterable<MemoryTensors>,
  { file, watches, names, round, onBatch }: Looking,
): Promise<number> {
  let count = 0;
  for await (const feeds of batches) {
    const results = await session.run(feeds, names.flat());
    for (const [i, { tensor, watch }] of watches.entries()) {
      const numbers = names[i]!.map((name) => asFloat32(results.get(name)!.memory));
      if (watch.absorb(numbers, round)) continue;
      fail('BadCalibrationData', {
        file,
        problem: `"${tensor.name}" has NaN or infinity`,
        expected: 'inputs for which every tensor of the FP32 model is finite',
      });
    }
    count++;
    onBatch();
  }
  return count;
}

interface Probes {
  /** Parallel to the tensors. */
  readonly names: readonly (readonly string[])[];
  remove(): void;
}

/** What observers look at as extra outputs. */
function addProbes(model: Model, watches: readonly Watched[], round: number): Probes {
  const { graph } = model;
  const kept = snapshot(graph);
  const op = builderFor(model);
  const names: string[][] = [];
  // onnxruntime begins with what the last node needs. The first tensors are probed last here and computed first there,
  // so that a tensor is free again as soon as the model itself is done with it.
  for (const [i, { tensor, watch }] of [...watches.entries()].reverse())
    names[i] = watch.probes(op, tensor, round).map((probe, j) => {
      probe.name = `torchferry.probe.${i}.${j}`;
      probe.type ??= tensorType('float32', []);
      graph.outputs.push(probe);
      return probe.name;
    });
  return { names, remove: () => restore(graph, kept) };
}

interface Snapshot {
  readonly outputs: number;
  readonly nodes: ReadonlySet<unknown>;
  readonly initializers: ReadonlySet<unknown>;
}

const snapshot = (graph: Graph): Snapshot => ({
  outputs: graph.outputs.length,
  nodes: new Set(graph.nodes),
  initializers: new Set(graph.initializers),
});

function restore(graph: Graph, { outputs, nodes, initializers }: Snapshot): void {
  graph.outputs.length = outputs;
  for (const node of [...graph.nodes].reverse()) if (!nodes.has(node)) graph.removeNode(node);
  for (const value of [...graph.initializers]) if (!initializers.has(value)) graph.removeInitializer(value);
}
