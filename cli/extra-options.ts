/** `--extra-options`: those of onnxruntime's tool as JSON, beside the job's. */
import { parseJob } from '../shared/pipeline/job/parse-job.ts';
import type { JobFile } from '../shared/pipeline/job/job-schema.ts';
import type { OptionValues } from './command.ts';
import { text } from './values.ts';

/** Checked as those of a job are. */
export function extraOptions(options: OptionValues, job: JobFile): JobFile['extra_options'] {
  const json = text(options, 'extra-options');
  if (json === undefined) return job.extra_options;
  return { ...job.extra_options, ...parseJob('--extra-options', `{"extra_options": ${json}}`).extra_options };
}
