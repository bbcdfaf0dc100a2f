/** The outcome of a command over several files: every file is tried, failures are told at the end. */
import { asFailure, isFailure } from '../shared/errors.ts';
import { asWritten } from './as-written.ts';
import type { Context, OptionValues, Outcome } from './command.ts';

export interface FileOutcome {
  readonly text: string;
  readonly facts: Readonly<Record<string, unknown>>;
  /** Something was written (a report, for instance), but the file failed. */
  readonly error?: NonNullable<Outcome['error']>;
}

export async function eachFile(
  files: readonly string[],
  { progress, options }: Pick<Context, 'progress' | 'options'>,
  work: (file: string) => Promise<FileOutcome>,
): Promise<Outcome> {
  // One file: its failure is the command's failure, with its code.
  if (files.length === 1) {
    const { text, facts, error } = await work(files[0]!);
    return {
      text,
      facts: { results: [{ file: files[0], ...facts, ...(error ? { error } : {}) }], ...(error ? { error } : {}) },
      ...(error ? { error } : {}),
    };
  }
  const results: Record<string, unknown>[] = [];
  const lines: string[] = [];
  const failed: { code: string; message: string }[] = [];
  for (const file of files) {
    const { text, facts, error } = await attempt(file, options, work);
    results.push({ file, ...facts, ...(error ? { error } : {}) });
    if (text) lines.push(text);
    if (error) {
      failed.push(error);
      progress.note(`${file}: ${error.code}: ${error.message}`);
    }
  }
  lines.push(
    `${files.length - failed.length} of ${files.length} files done${failed.length ? `, ${failed.length} failed` : ''}`,
  );
  const error = failed.length
    ? {
        code: failed[0]!.code,
        message: `${failed.length} of ${files.length} files failed; the first: ${failed[0]!.message}`,
      }
    : null;
  return { text: lines.join('\n'), facts: { results, ...(error ? { error } : {}) }, ...(error ? { error } : {}) };
}

async function attempt(
  file: string,
  options: OptionValues,
  work: (file: string) => Promise<FileOutcome>,
): Promise<FileOutcome> {
  try {
    return await work(file);
  } catch (thrown) {
    const error = asWritten(asFailure(thrown), options);
    if (!isFailure(error)) throw error;
    const { code, message, details } = error;
    return { text: '', facts: { details }, error: { code, message } };
  }
}
