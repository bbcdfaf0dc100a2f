/** The text of a job file, checked: every problem at once. */
import { fileSource } from '../../bytes/file-source.ts';
import { fail, type JobProblem } from '../../errors.ts';
import { isObject } from './json-reader.ts';
import { inTodaysWords } from './old-spellings.ts';
import { JOB_FILE, type JobFile } from './job-schema.ts';

const MAX_JOB_BYTES = 1 << 20;

/**
 * Check the text of a job file; fails with BadJob naming every problem at once, with LimitExceeded for what no job is.
 */
export function parseJob(file: string, text: string): JobFile {
  requireDepth(file, text);
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\u{feff}/u, ''));
  } catch (cause) {
    const hint = 'JSON has double quotes, no comments and no comma after the last item';
    fail(
      'BadJob',
      { file, problems: [{ path: '$', problem: `it is no JSON: ${(cause as Error).message}`, hint }] },
      cause,
    );
  }
  return checkJob(file, value);
}

/** A job file that is named: a path on this machine. */
export async function readJobAt(path: string): Promise<JobFile> {
  const source = fileSource(path);
  try {
    requireJobSize(path, source.size);
    return parseJob(path, Buffer.from(await source.read()).toString('utf8'));
  } finally {
    source.close();
  }
}

export function requireJobSize(file: string, bytes: number): void {
  if (bytes > MAX_JOB_BYTES)
    fail('LimitExceeded', { file, what: 'the size of the job file', found: bytes, limit: MAX_JOB_BYTES });
}

/** Deeper than any option, and nowhere near what would break a reader that calls itself. */
const MAX_JOB_DEPTH = 100;

function requireDepth(file: string, text: string): void {
  let depth = 0;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (inText && c === '\\') i++;
    else if (c === '"') inText = !inText;
    else if (!inText) depth += OPENS.has(c) ? 1 : CLOSES.has(c) ? -1 : 0;
    if (depth > MAX_JOB_DEPTH) {
      const found = `more than ${MAX_JOB_DEPTH}`;
      fail('LimitExceeded', { file, what: 'the nesting of its JSON', found, limit: MAX_JOB_DEPTH });
    }
  }
}
const OPENS: ReadonlySet<string> = new Set('[{');
const CLOSES: ReadonlySet<string> = new Set(']}');

/** Check a job that is already an object, such as the options of a request. */
export function checkJob(file: string, value: unknown): JobFile {
  const problems: JobProblem[] = [];
  // Editors want to know the schema; it is no option.
  const { $schema: _, ...options } = isObject(value) ? value : { $schema: null };
  const job = JOB_FILE.read(isObject(value) ? inTodaysWords(options) : value, '$', problems);
  if (problems.length || !job) fail('BadJob', { file, problems });
  return job;
}
