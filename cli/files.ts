/** File arguments: files, several of them, or folders of models. */
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { fail } from '../shared/errors.ts';
import { isNamed, MODEL_SUFFIXES, ONNX_SUFFIXES, PYTORCH_SUFFIXES } from '../shared/formats/table.ts';

/** What can be converted. */
export const pytorchFiles = (given: readonly string[]): string[] => expand(given, PYTORCH_SUFFIXES);
/** What can be quantized. */
export const onnxFiles = (given: readonly string[]): string[] => expand(given, ONNX_SUFFIXES);
/** What the pipeline takes. */
export const modelFiles = (given: readonly string[]): string[] => expand(given, MODEL_SUFFIXES);

/** The suffixes are those a folder is searched for; a file given by name may be called anything. */
function expand(given: readonly string[], suffixes: readonly string[]): string[] {
  const expected = `a file of these: ${suffixes.join(', ')}, or a folder of them`;
  if (given.length === 0) fail('WrongUsage', { problem: 'no file was given', hint: `give ${expected}` });
  return given.flatMap((path) => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) return fail('FileNotFound', { file: path });
    if (!stats.isDirectory()) return [path];
    const found = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => isNamed(name, suffixes))
      .sort();
    if (found.length === 0) fail('FileNotFound', { file: join(path, expected) });
    return found.map((name) => join(path, name));
  });
}

/**
 * `model.onnx` beside `model.pt2`, in the folder of `-o`, or `-o` itself when it names a file. The folder is made when
 * it is not there.
 */
export function outputPath(
  input: string,
  {
    output,
    several,
    suffix,
  }: { readonly output: string | undefined; readonly several: boolean; readonly suffix: string },
): string {
  const stem = basename(input, extname(input));
  if (output === undefined) return join(dirname(input), `${stem}${suffix}`);
  const folder =
    several || /[\\/]$/.test(output) || statSync(output, { throwIfNoEntry: false })?.isDirectory() === true;
  const path = folder ? join(output, `${stem}${suffix}`) : output;
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

/**
 * A folder name for each file: `net` for `net.pt2`; where two files would share it, `net.pt2` and `net.onnx`, and as
 * much of the path as tells them apart.
 */
export function folderNames(files: readonly string[]): (file: string) => string {
  const names = (file: string): string[] => {
    const parts = resolve(file).split(sep);
    return [basename(file, extname(file)), ...parts.map((_, i) => parts.slice(-1 - i).join('_'))];
  };
  const counts = new Map<string, number>();
  for (const name of files.flatMap(names)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return (file) => names(file).find((name) => counts.get(name) === 1) ?? basename(file);
}
