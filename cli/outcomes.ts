/** The outcome of a command over several files: every file is tried, failures are told at the end. */
import { isFailure } from '../shared/errors.ts';
import type { Outcome, Progress } from './command.ts';

export interface FileOutcome {
  readonly text: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export async function eachFile(files: readonly string[], progress: Progress, work: (file: string) => Promise<FileOutcome>): Promise<Outcome> {
  // One file: its failure is the command's failure, with its code.
  if (files.length === 1) {
    const { text, facts } = await work(files[0]!);
    return { text, facts: { results: [{ file: files[0], ...facts }] } };
  }
  const results: Record<string, unknown>[] = [];
  const lines: string[] = [];
  let failures = 0;
  for (const file of files) {
    try {
      const { text, facts } = await work(file);
      results.push({ file, ...facts });
      lines.push(text);
    } catch (error) {
      if (!isFailure(error)) throw error;
      failures++;
      results.push({ file, error: { code: error.code, message: error.message, details: error.details } });
      progress.note(`${file}: ${error.code}: ${error.message}`);
    }
  }
  lines.push(`${files.length - failures} of ${files.length} files done${failures ? `, ${failures} failed` : ''}`);
  return { text: lines.join('\n'), facts: { results }, failed: failures > 0 };
}
