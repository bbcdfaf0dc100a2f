/** Where the time of a run goes, operator by operator: what onnxruntime's profiler writes down. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperatorTimes } from '../report/report.ts';
import { openSession, type SessionOptions, type Tensors } from './session.ts';

export interface ProfileRequest extends Pick<SessionOptions, 'products' | 'mapWeights'> {
  readonly feeds: Tensors;
  /** What the profiler writes lies in a folder of its own in it, gone afterwards. */
  readonly workFolder: string;
  /** Milliseconds. */
  readonly now: () => number;
}

const RUNS = 5;
const BUDGET_MS = 1000;

/**
 * Operators of the model as onnxruntime optimized it, the slowest first; null where nothing was written. The first of
 * several runs is left out, because it fills caches. Fails with ModelDoesNotLoad and ModelDoesNotRun.
 */
export async function operatorTimes(
  model: string | Uint8Array,
  request: ProfileRequest,
): Promise<OperatorTimes | null> {
  const folder = await mkdtemp(join(request.workFolder, 'profile-'));
  try {
    await profile(model, join(folder, 'profile'), request);
    const [name] = await readdir(folder);
    return name === undefined
      ? null
      : timesIn(JSON.parse(await readFile(join(folder, name), 'utf8')) as ProfileEvent[]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function profile(
  model: string | Uint8Array,
  saveProfile: string,
  { feeds, products, mapWeights, now }: ProfileRequest,
): Promise<void> {
  const session = await openSession(model, { saveProfile, mapWeights, ...(products ? { products } : {}) });
  try {
    const start = now();
    for (let run = 0; run <= RUNS && (run < 2 || now() - start < BUDGET_MS); run++) await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** In the format of Chrome's traces; times in microseconds. */
export interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args: {
    readonly op_name?: string;
    readonly thread_scheduling_stats?: { readonly sub_threads?: Readonly<Record<string, unknown>> };
  };
}

// What they take is that of the nodes inside.
const CONTAINERS: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan']);

/** What the events say; null without a node. */
export function timesIn(events: readonly ProfileEvent[]): OperatorTimes | null {
  const starts = events.filter(({ name }) => name === 'model_run').map(({ ts }) => ts);
  const counted = starts.length > 1 ? starts.slice(1) : starts;
  const nodes = events.filter(
    ({ cat, ts, args }) => cat === 'Node' && args.op_name && !CONTAINERS.has(args.op_name) && ts >= (counted[0] ?? 0),
  );
  if (nodes.length === 0 || counted.length === 0) return null;
  const operators = [...Map.groupBy(nodes, ({ args }) => args.op_name!)].map(([operator, all]) => ({
    operator,
    nodes: new Set(all.map(({ name }) => name)).size,
    ms: all.reduce((sum, { dur }) => sum + dur, 0) / 1000 / counted.length,
  }));
  const others = Object.keys(nodes[0]!.args.thread_scheduling_stats?.sub_threads ?? {}).length;
  return { runs: counted.length, threads: others + 1, operators: operators.sort((a, b) => b.ms - a.ms) };
}
