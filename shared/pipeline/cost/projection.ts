/** What many models would cost and how long they would take, from what some of them used. */
import type { Architecture, Cost, CostSummary } from '../../report/cost.ts';
import { batchStateMachine } from '../machine/batch-machine.ts';
import { STAGES } from '../machine/stages.ts';
import { mapUsage, priced } from './cost.ts';
import { MB_OF_GB } from './usage.ts';

/** Conversions that were measured, together; with the transitions of a batch's items. */
export interface Measured {
  readonly models: number;
  readonly used: CostSummary;
}

export interface Assumed {
  /** Models that are converted at a time. */
  readonly concurrency: number;
  readonly architecture: Architecture;
}

export interface Projection {
  readonly models: number;
  readonly cost: Cost;
  /** From the first to the last. */
  readonly seconds: number;
  readonly limitedBy: 'concurrency' | 'transitions';
  /** Longer than a batch may take. */
  readonly isTooLong: boolean;
}

/** Transitions a second that an account has in us-east-1, us-west-2 and eu-west-1; new accounts have less. */
export const TRANSITIONS_A_SECOND = 5000;
/** Seconds until a function that does not run yet begins: what bench:cold asks of the slowest. */
export const COLD_SECONDS = 0.6;
export const LONGEST_BATCH_SECONDS = batchStateMachine().TimeoutSeconds!;

const LARGEST_GB = Math.max(...Object.values(STAGES).map(({ memoryMb }) => memoryMb)) / MB_OF_GB;

export function project({ models: measured, used }: Measured, models: number, assumed: Assumed): Projection {
  const share = models / measured;
  const each = (quantity: number): number => quantity * share;
  const scaled = mapUsage(used, each);
  // Each of those that run at a time has its functions start once. What was measured on AWS has them already.
  const starts = used.basis === 'aws' ? 0 : (Math.min(models, assumed.concurrency) / models) * scaled.invocations;
  const usage = { ...scaled, gbSeconds: scaled.gbSeconds + starts * COLD_SECONDS * LARGEST_GB };
  const one = used.seconds / measured;
  const byConcurrency = Math.max(one, each(used.seconds) / assumed.concurrency);
  const byTransitions = scaled.transitions / TRANSITIONS_A_SECOND;
  const seconds = Math.max(byConcurrency, byTransitions);
  return {
    models,
    cost: priced({ ...usage, basis: used.basis, seconds: each(used.seconds) }, assumed.architecture),
    seconds,
    limitedBy: byTransitions > byConcurrency ? 'transitions' : 'concurrency',
    isTooLong: seconds > LONGEST_BATCH_SECONDS,
  };
}
