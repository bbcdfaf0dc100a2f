/** The options of a job file that `convert` and `quantize` can use. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ConvertOptions } from '../shared/convert/convert.ts';
import { fail } from '../shared/errors.ts';
import { parseJob } from '../shared/pipeline/job/job.ts';
import type { JobFile } from '../shared/pipeline/job/job-schema.ts';

export function readJobFile(path: string | undefined): JobFile {
  if (path === undefined) return {};
  try {
    return parseJob(path, readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') fail('FileNotFound', { file: path }, error);
    throw error;
  }
}

export function convertOptionsOf(job: JobFile): ConvertOptions {
  const { opset_version, input_names, output_names, dynamic_axes, guards } = job;
  return Object.fromEntries(
    Object.entries({ opset_version, input_names, output_names, dynamic_axes, guards }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

/** Data files of a job lie beside the model. */
export const besideModel = (model: string, name: string): string => join(dirname(model), name);
