/** Failures of a job: as its stages wrote them down, or as the state machine caught them. */
import { problemOf } from '../../report/problem.ts';
import type { Failure, Report } from '../../report/report.ts';
import { isObject } from '../job/json-reader.ts';
import { type CaughtFailure, type JobFacts, stagesOfVariant, type VariantFacts } from './job-facts.ts';

/** The stage's own account when it could give one: it has the details. */
export function jobFailure({ written }: JobFacts, caught: CaughtFailure | null): Failure | null {
  if (!caught) return null;
  const own = written.get(caught.stage)?.failure;
  return own && own.code === caught.error ? own : failureOfCaught(caught);
}

export function variantFailure({ request, written, caught }: VariantFacts, job: Failure | null): Failure | null {
  const own = [...written.values()].find(({ failure }) => failure)?.failure;
  if (caught) return own && own.code === caught.error ? own : failureOfCaught(caught);
  const isFinished = stagesOfVariant(request).every((stage) => written.has(stage));
  return own ?? (job && !isFinished ? { ...job, message: `it was not finished: ${job.message}` } : null);
}

export interface FailedVariant {
  readonly variant: string;
  readonly code: string;
  readonly message: string;
}

/**
 * Variants that were asked for and are not there, or do not work. Where nobody chose the types, a model without
 * anything to quantize is no failure: FP32 is all there is to it.
 */
export function failedVariants({ variants, job }: Pick<Report, 'variants' | 'job'>): FailedVariant[] {
  const isChosen = job.options.some(({ name, from }) => name === 'dtype' && from === 'job');
  return variants.flatMap((variant) => {
    const problem = problemOf(variant);
    const code = variant.failure?.code ?? 'ValidationFailed';
    if (problem === null || (!isChosen && code === 'NothingToQuantize')) return [];
    return [{ variant: variant.name, code, message: variant.failure?.message ?? problem }];
  });
}

export function failureOfCaught({ stage, error, cause }: CaughtFailure): Failure {
  return { code: error, message: messageOf(cause) || error, stage, details: null };
}

/** The message in a cause; Lambda gives the error as JSON text, which may have been cut. */
export function messageOf(cause: string): string {
  if (!cause.startsWith('{')) return cause;
  try {
    const value: unknown = JSON.parse(cause);
    if (isObject(value) && typeof value['errorMessage'] === 'string') return value['errorMessage'];
  } catch {
    const cut = /"errorMessage":"((?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*)/.exec(cause)?.[1];
    if (cut !== undefined) return JSON.parse(`"${cut}"`) as string;
  }
  return cause;
}
