/** Where results go, worked out for all files before any work: no result replaces an input or another result. */
import { mkdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { requireOutput } from '../shared/bytes/output-file.ts';
import { fail } from '../shared/errors.ts';
import type { GivenFile } from './files.ts';

export interface OutputRequest {
  /** `-o`: a folder, or the name of the one result. */
  readonly output: string | undefined;
  /** What the name of a result ends in: `.onnx`. */
  readonly suffix: string;
  /** Files that the command reads besides the given ones. */
  readonly reads?: readonly (string | undefined)[];
}

/**
 * By path of the input: `model.onnx` beside `model.pt2`, at its place in the folder of `-o`, or `-o` itself when it
 * names a file. Folders are made where they are not there. Fails with BadOutput.
 */
export function outputPaths(
  files: readonly GivenFile[],
  { output, suffix, reads = [] }: OutputRequest,
): (input: string) => string {
  const isFolder = output !== undefined && (files.length > 1 || files.some((f) => f.inFolder) || namesFolder(output));
  const paths = new Map<string, string>();
  const makers = new Map<string, string>();
  for (const { path: input, place } of files) {
    const path =
      output === undefined ? withSuffix(input, suffix) : isFolder ? join(output, withSuffix(place, suffix)) : output;
    const other = makers.get(resolve(path));
    if (other !== undefined) {
      const problem = `both "${other}" and "${input}" would be written there`;
      fail('BadOutput', { file: path, problem, hint: 'rename one of them, or convert them into different folders' });
    }
    makers.set(resolve(path), input);
    paths.set(input, path);
  }
  const inputs = [...paths.keys(), ...reads.filter((path) => path !== undefined)];
  for (const path of paths.values()) for (const file of [path, `${path}.data`]) requireOutput(file, inputs);
  for (const path of paths.values()) mkdirSync(dirname(path), { recursive: true });
  return (input) => paths.get(input)!;
}

const withSuffix = (path: string, suffix: string): string =>
  join(dirname(path), `${basename(path, extname(path))}${suffix}`);

const namesFolder = (path: string): boolean =>
  /[\\/]$/.test(path) || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
