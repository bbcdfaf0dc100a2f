/** File arguments: files, several of them, or folders of models. */
import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join, resolve, sep } from 'node:path';
import { fail } from '../shared/errors.ts';
import { isNamed, MODEL_SUFFIXES, ONNX_SUFFIXES, PYTORCH_SUFFIXES } from '../shared/formats/table.ts';

export interface GivenFile {
  readonly path: string;
  /** Path below the folder that was given; the bare name of a file that was. */
  readonly place: string;
  readonly inFolder: boolean;
}

export const pathsOf = (files: readonly GivenFile[]): string[] => files.map(({ path }) => path);

/** What can be converted. */
export const pytorchFiles = (given: readonly string[]): GivenFile[] => expand(given, PYTORCH_SUFFIXES);
/** What can be quantized. */
export const onnxFiles = (given: readonly string[]): GivenFile[] => expand(given, ONNX_SUFFIXES);
/** What the pipeline takes. */
export const modelFiles = (given: readonly string[]): GivenFile[] => expand(given, MODEL_SUFFIXES);

/**
 * The suffixes are those a folder is searched for; a file given by name may be called anything. A file that was given
 * twice counts once.
 */
function expand(given: readonly string[], suffixes: readonly string[]): GivenFile[] {
  const expected = `a file of these: ${suffixes.join(', ')}, or a folder of them`;
  if (given.length === 0) fail('WrongUsage', { problem: 'no file was given', hint: `give ${expected}` });
  const files = given.flatMap((path): GivenFile[] => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) return fail('FileNotFound', { file: path });
    if (!stats.isDirectory()) return [{ path, place: basename(path), inFolder: false }];
    const found = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => isNamed(name, suffixes))
      .sort();
    if (found.length === 0) fail('FileNotFound', { file: join(path, expected) });
    return found.map((place) => ({ path: join(path, place), place, inFolder: true }));
  });
  return [...new Map(files.toReversed().map((file) => [resolve(file.path), file])).values()].toReversed();
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
  const folders = new Map<string, string>();
  for (const file of files) {
    const folder = names(file).find((name) => counts.get(name) === 1) ?? basename(file);
    const other = [...folders].find(([, taken]) => taken === folder)?.[0];
    if (other !== undefined) {
      const problem = `both "${other}" and "${file}" would have their results there`;
      fail('BadOutput', { file: folder, problem, hint: 'rename one of them' });
    }
    folders.set(file, folder);
  }
  return (file) => folders.get(file)!;
}
