/** The options of a job file that `convert` and `quantize` can use. */
import { dirname, join } from 'node:path';
import { leadsOut } from '../shared/bytes/leads-out.ts';
import type { ConvertOptions } from '../shared/convert/convert.ts';
import { fail } from '../shared/errors.ts';
import { readJobAt } from '../shared/pipeline/job/parse-job.ts';
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

/** Data files of a job lie beside the model; a link out of its folder is refused. */
export function besideModel(model: string, name: string): string {
  const path = join(dirname(model), name);
  if (!leadsOut(dirname(model), path)) return path;
  const problem = 'it is a link that leads out of the folder of the model';
  return fail('BadJob', { file: path, problems: [{ path: name, problem, hint: 'copy the file there' }] });
}
