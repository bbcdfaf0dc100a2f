/** The command that makes the same files again. */
import type { JobRecord } from '../workspace/record.ts';
import { fileNameOf } from '../workspace/store.ts';

// Everything a shell could take for something else is quoted.
const shellWord = (word: string): string =>
  /^[\w./:=@+,-]+$/.test(word) && !word.startsWith('-') ? word : `'${word.replaceAll("'", `'\\''`)}'`;

export function reproduce({ input, config }: JobRecord): string[] {
  const job = config === null ? '' : ` --job ${shellWord(fileNameOf(config))}`;
  return [`torchferry run ${shellWord(fileNameOf(input.key) || input.key)}${job}`];
}
