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

/** Medians over the rounds, milliseconds of the processor, of the fastest file of a side. */
interface Fastest {
  readonly form: string;
  readonly milliseconds: number;
}

export interface LatencyRatio {
  readonly ours: Fastest;
  readonly theirs: Fastest;
  /** Medians of the ratios of the pairs. */
  readonly wall: number;
  readonly processor: number;
}

/** Files of one side by the name of their form. */
export type Forms = ReadonlyMap<string, string>;

/** All in one process by turns, each round once around; the fastest form of each side counts. */
export async function latencyRatio(
  ours: Forms,
  theirs: Forms,
  { samples, rounds }: { readonly samples: string; readonly rounds: number },
): Promise<LatencyRatio> {
  const files = [...ours, ...theirs];
  const sessions: Session[] = [];
  for (const [, path] of files) sessions.push(await openSession(path, { threads: 1 }));
  const feeds = await firstSample(samples, sessions[0]!);
  const times = sessions.map((): Times => ({ wall: [], processor: [] }));
  for (let round = -WARM_UP; round < rounds; round++)
    for (let turn = 0; turn < sessions.length; turn++) {
      // Who comes after whom changes, because each finds the caches as the one before left them.
      const i = (turn + Math.max(0, round)) % sessions.length;
      await timed(sessions[i]!, feeds, round < 0 ? null : times[i]!);
    }
  for (const session of sessions) await session.release();
  const medians = times.map(({ processor }) => median(processor));
  const fastest = (from: number, to: number): number => medians.indexOf(Math.min(...medians.slice(from, to)), from);
  const [own, other] = [fastest(0, ours.size), fastest(ours.size, files.length)];
  const named = (i: number): Fastest => ({ form: files[i]![0], milliseconds: medians[i]! });
  const ratio = (of: keyof Times): number => median(times[own]![of].map((time, i) => time / times[other]![of][i]!));
  return { ours: named(own), theirs: named(other), wall: ratio('wall'), processor: ratio('processor') };
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
