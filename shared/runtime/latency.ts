/** How long one run takes, next to the FP32 model in the same minutes on the same machine. */
import type { Latency } from '../report/report.ts';
import type { Session, Tensors } from './session.ts';

export interface LatencyRequest {
  readonly session: Session;
  /** Null when `session` is the FP32 model itself. */
  readonly fp32: Session | null;
  readonly feeds: Tensors;
  readonly batch: number;
  /** Milliseconds. */
  readonly now: () => number;
}

const WARM_UP = 2;
const RUNS = 31;
const FEWEST_RUNS = 5;
const BUDGET_MS = 4000;

/** Runs of the two models alternate, so that whatever else the machine does meets both. */
export async function measureLatency({ session, fp32, feeds, batch, now }: LatencyRequest): Promise<Latency> {
  const sessions = fp32 ? [session, fp32] : [session];
  const times = sessions.map(() => [] as number[]);
  const start = now();
  for (let run = -WARM_UP; run < RUNS; run++) {
    if (run >= FEWEST_RUNS && now() - start > BUDGET_MS) break;
    for (const [i, each] of sessions.entries()) {
      const before = now();
      await each.run(feeds);
      if (run >= 0) times[i]!.push(now() - before);
    }
  }
  const [own, reference] = times.map(median);
  return {
    medianMs: own!,
    runs: times[0]!.length,
    batch,
    fp32MedianMs: reference ?? null,
    ratioToFp32: reference ? own! / reference : null,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
