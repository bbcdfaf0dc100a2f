/** Ranges of tensors over calibration data: the only step of quantization that runs the model. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../errors.ts';
import { type Graph, type Model, Value } from '../onnx/ir.ts';
import { writeModel } from '../onnx/proto/write.ts';
import { builderFor } from '../onnx/rewrite.ts';
import { type MemoryTensors, type Session, withSession } from '../runtime/session.ts';
import { asFloat32 } from '../tensor/arithmetic.ts';
import { tensorType } from '../tensor/type.ts';
import type { Range } from './formulas.ts';
import type { Observer, Watch } from './observers/observer.ts';

export interface CalibrationRequest {
  readonly model: Model;
  readonly tensors: readonly Value[];
  readonly observer: Observer;
  /** Iterated once per round. */
  readonly batches: AsyncIterable<MemoryTensors>;
  /** Where the batches come from, for messages. */
  readonly file: string;
  readonly workFolder: string;
}

/** Tensors without elements are missing. */
export type Ranges = ReadonlyMap<Value, Range>;

/** The range of each tensor over all batches, of any shapes; NaN and infinities are refused with the tensor's name. */
export async function calibrate(request: CalibrationRequest): Promise<Ranges> {
  const watches = request.tensors.map((tensor): Watched => ({ tensor, watch: request.observer.watch() }));
  for (let round = 0; round < request.observer.rounds; round++) await runRound(request, watches, round);
  return new Map(
    watches.flatMap(({ tensor, watch }): [Value, Range][] => {
      const range = watch.range();
      return range ? [[tensor, range]] : [];
    }),
  );
}

interface Watched {
  readonly tensor: Value;
  readonly watch: Watch;
}

async function runRound(
  { model, batches, file, workFolder }: CalibrationRequest,
  watches: readonly Watched[],
  round: number,
): Promise<void> {
  const probes = addProbes(model, watches, round);
  const path = join(workFolder, 'calibrate.onnx');
  try {
    await writeModel(model, path, { weights: 'pack' });
  } finally {
    probes.remove();
  }
  try {
    // What is looked at has two readers, so nothing is fused across it.
    const count = await withSession(path, { optimize: 'all' }, (session) =>
      absorbBatches(session, batches, { file, watches, names: probes.names, round }),
    );
    const problem = round === 0 ? 'it has no samples' : 'it can be read only once';
    if (count === 0) fail('BadCalibrationData', { file, problem, expected: 'at least one' });
  } finally {
    for (const written of [path, `${path}.data`]) await rm(written, { force: true });
  }
}

interface Looking {
  readonly file: string;
  readonly watches: readonly Watched[];
  readonly names: readonly (readonly string[])[];
  readonly round: number;
}

async function absorbBatches(
  session: Session,
  batches: AsyncIterable<MemoryTensors>,
  { file, watches, names, round }: Looking,
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
