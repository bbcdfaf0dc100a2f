/** Data that count without being named, as in a job: `net.calibration.npz` for `net.onnx`. */
import { existsSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { DTYPES, isQuantized } from '../shared/choices.ts';
import { FOUND_FILES } from '../shared/pipeline/job/job-files.ts';
import type { Progress } from './command.ts';
import { besideModel } from './job-options.ts';

const QUANTIZED = DTYPES.filter((dtype) => isQuantized({ dtype })).map((dtype) => `.${dtype}`);

/** A quantized model is validated with the data of the model it was made of. */
export function stemsOf(model: string): string[] {
  const stem = basename(model, extname(model));
  const ending = QUANTIZED.find((name) => stem.endsWith(name));
  return ending === undefined ? [stem] : [stem, stem.slice(0, -ending.length)];
}

/** The path of the file and a word on it; undefined where there is none. A link out of the folder is refused. */
export function foundBeside(
  model: string,
  option: keyof typeof FOUND_FILES,
  { stems = stemsOf(model), progress }: { readonly stems?: readonly string[]; readonly progress: Progress },
): string | undefined {
  const name = stems.map((stem) => stem + FOUND_FILES[option]).find((at) => existsSync(join(dirname(model), at)));
  if (name === undefined) return undefined;
  progress.note(`note: ${option} is "${name}", found beside the model`);
  return besideModel(model, name);
}
