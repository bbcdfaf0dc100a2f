/**
 * What S3 keeps beside a result, for lifecycle rules, policies and inventories that ask by tag: which job made it, of
 * which version of the model, and what became of it.
 */
import { problemOf } from '../../report/problem.ts';
import type { Report, Variant } from '../../report/report.ts';
import type { JobRecord } from './record.ts';

export type Tags = Readonly<Record<string, string>>;

/** Of a model: a policy can keep readers from what nobody has run yet. */
type ModelStatus = 'unvalidated' | 'validated' | 'failed';

const STATUS = 'torchferry-status';

/** Of any result. */
export const jobTags = ({ id, input }: JobRecord): Tags => ({
  'torchferry-job': id,
  // Where the input bucket has no versions, the ETag.
  ...(input.version === '' ? {} : { 'torchferry-model-version': input.version }),
});

/** Of a model as it is written, before anybody has looked at it. */
export const newModelTags = (job: JobRecord): Tags => ({
  ...jobTags(job),
  [STATUS]: 'unvalidated' satisfies ModelStatus,
});

/** Of a report and what goes with it. */
export const reportTags = (job: JobRecord, { verdict }: Pick<Report, 'verdict'>): Tags => ({
  ...jobTags(job),
  'torchferry-verdict': verdict.status,
});

/** Keys of the models in the output bucket, with their tags when all is known of them. */
export const modelTags = (job: JobRecord, report: Report): readonly (readonly [key: string, Tags])[] =>
  report.variants.flatMap((variant) =>
    variant.files
      .filter(({ path }) => path.startsWith(job.output.folder))
      .map(({ path }) => [path, { ...reportTags(job, report), [STATUS]: statusOf(variant) }] as const),
  );

function statusOf(variant: Variant): ModelStatus {
  if (!variant.validation && !variant.failure) return 'unvalidated';
  return problemOf(variant) === null ? 'validated' : 'failed';
}
