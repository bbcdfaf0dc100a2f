/** File arguments: files, several of them, or folders of models. */
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { fail } from '../shared/errors.ts';

/** Names a folder is searched for; a file given by name may be called anything. */
const MODEL_FILE = /\.(pt2|pt|pth)$/i;
const ONNX_FILE = /\.onnx$/i;

export const modelFiles = (given: readonly string[]): string[] =>
  expand(given, MODEL_FILE, 'a .pt2 file or a folder of them');
export const onnxFiles = (given: readonly string[]): string[] =>
  expand(given, ONNX_FILE, 'a .onnx file or a folder of them');

function expand(given: readonly string[], wanted: RegExp, expected: string): string[] {
  if (given.length === 0) fail('WrongUsage', { problem: 'no file was given', hint: `give ${expected}` });
  return given.flatMap((path) => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) return fail('FileNotFound', { file: path });
    if (!stats.isDirectory()) return [path];
    const found = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => wanted.test(name))
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
