/** Whether a file may be written at a path: never over an input, never over what is no regular file. */
import { type BigIntStats, statSync } from 'node:fs';
import { fail } from '../errors.ts';

/** Refuses with BadOutput; `inputs` are paths of what is read, and need not exist. */
export function requireOutput(path: string, inputs: Iterable<string>): void {
  const there = statOf(path);
  if (!there) return;
  if (!there.isFile()) {
    const problem = there.isDirectory() ? 'it is a folder' : 'it is no regular file';
    fail('BadOutput', { file: path, problem, hint: 'choose the name of a file' });
  }
  for (const input of inputs)
    if (isSame(there, statOf(input)))
      fail('BadOutput', { file: path, problem: `it is "${input}", which is read`, hint: 'choose another name (-o)' });
}

/** Two names of one file, through links too. */
export const isSameFile = (a: string, b: string): boolean => isSame(statOf(a), statOf(b));

const isSame = (a: BigIntStats | undefined, b: BigIntStats | undefined): boolean =>
  a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;

function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    // Whatever is wrong with the path is said by whoever opens it.
    return undefined;
  }
}
