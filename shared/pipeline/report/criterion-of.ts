/** The criterion that INT8 is chosen by: the job's, and what a tuned model was made to keep. */
import type { AccuracyMetric, Criterion } from '../../choices.ts';
import type { Variant } from '../../report/report.ts';
import type { Tuning } from '../../report/quantization.ts';
import type { JobOptions } from '../job/job-schema.ts';

type Limits = Pick<Tuning, 'maxDrop' | 'min'>;

const exact = (share: number): number => Number(share.toPrecision(12));
const limit = <K extends keyof Criterion>(name: K, value: number | null): Criterion =>
  value === null ? {} : { [name]: exact(value) };

/** A criterion in the words of a goal; a limit that it has no word for is not said. */
const WORDS: Readonly<Record<AccuracyMetric, (limits: Limits) => Criterion>> = {
  top1: ({ maxDrop }) => limit('maxTop1Drop', maxDrop === null ? null : maxDrop * 100),
  top1_agreement: ({ maxDrop, min }) =>
    limit('minTop1Agreement', maxDrop === null ? min : Math.max(1 - maxDrop, min ?? 0)),
  sqnr: ({ min }) => limit('minSqnr', min),
  mse: () => ({}),
};

/** null: nobody set one. */
export function criterionOf(options: JobOptions, variants: readonly Variant[]): Criterion | null {
  // Else validation runs on other data than trials did: what was kept there says nothing of what is measured here.
  const isSameData = options.test_data !== null || options.example_inputs !== null;
  const tuning = variants.flatMap(({ quantization }) => quantization?.tuning ?? [])[0];
  const criterion = { ...(tuning && isSameData ? WORDS[tuning.metric](tuning) : {}), ...options.criterion };
  return Object.keys(criterion).length ? criterion : null;
}
