/** How long one run of a quantized model takes on one thread, ours over onnxruntime's tool's. */
import { fileSource } from '../shared/bytes/file-source.ts';
import { readSamples } from '../shared/runtime/samples.ts';
import { openSession, type Session, type Tensors } from '../shared/runtime/session.ts';
import { median } from './median.ts';

const WARM_UP = 3;

interface Times {
  readonly wall: number[];
  /** Not what others take of the machine. */
  readonly processor: number[];
}

export interface LatencyRatio {
  /** Which of the tool's files is the fastest here. */
  readonly best: string;
  /** Medians over the rounds, milliseconds of the processor. */
  readonly ours: number;
  readonly theirs: number;
  /** Medians of the ratios of the pairs. */
  readonly wall: number;
  readonly processor: number;
}

/** All in one process by turns, each round once around. `theirs`: the tool's files by name. */
export async function latencyRatio(
  ours: string,
  theirs: ReadonlyMap<string, string>,
  { samples, rounds }: { readonly samples: string; readonly rounds: number },
): Promise<LatencyRatio> {
  const own = await openSession(ours, { threads: 1 });
  const feeds = await firstSample(samples, own);
  const others: [string, Session][] = [];
  for (const [name, path] of theirs) others.push([name, await openSession(path, { threads: 1 })]);
  const sessions = [own, ...others.map(([, session]) => session)];
  const times = sessions.map((): Times => ({ wall: [], processor: [] }));
  for (let round = -WARM_UP; round < rounds; round++)
    for (let turn = 0; turn < sessions.length; turn++) {
      // Who comes after whom changes, because each finds the caches as the one before left them.
      const i = (turn + Math.max(0, round)) % sessions.length;
      await timed(sessions[i]!, feeds, round < 0 ? null : times[i]!);
    }
  for (const session of sessions) await session.release();
  const medians = times.map(({ processor }) => median(processor));
  const best = medians.indexOf(Math.min(...medians.slice(1)), 1);
  const ratio = (of: keyof Times): number => median(times[0]![of].map((time, i) => time / times[best]![of][i]!));
  return {
    best: others[best - 1]![0],
    ours: medians[0]!,
    theirs: medians[best]!,
    wall: ratio('wall'),
    processor: ratio('processor'),
  };
}

async function timed(session: Session, feeds: Tensors, times: Times | null): Promise<void> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await session.run(feeds);
  const { user, system } = process.cpuUsage(before);
  times?.wall.push(performance.now() - start);
  times?.processor.push((user + system) / 1000);
}

async function firstSample(npz: string, session: Session): Promise<Tensors> {
  const source = fileSource(npz);
  try {
    const samples = await readSamples(source, session.inputs, { code: 'BadCalibrationData' });
    for await (const { feeds } of samples.batches(1)) return feeds;
    throw new Error(`"${npz}" has no samples`);
  } finally {
    source.close();
  }
}
