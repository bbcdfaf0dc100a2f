/** The options of a job file that `convert` and `quantize` can use. */
import { dirname, join } from 'node:path';
import type { ConvertOptions } from '../shared/convert/convert.ts';
import { readJobAt } from '../shared/pipeline/job/job.ts';
import type { JobFile } from '../shared/pipeline/job/job-schema.ts';

export const readJobFile = (path: string | undefined): Promise<JobFile> =>
  path === undefined ? Promise.resolve({}) : readJobAt(path);

export function convertOptionsOf(job: JobFile): ConvertOptions {
  const { opset_version, input_names, output_names, dynamic_axes, guards, nan } = job;
  return Object.fromEntries(
    Object.entries({ opset_version, input_names, output_names, dynamic_axes, guards, nan }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

/** Data files of a job lie beside the model. */
export const besideModel = (model: string, name: string): string => join(dirname(model), name);
