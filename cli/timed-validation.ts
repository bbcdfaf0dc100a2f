/** Validation with a limit of time: a model may hold a loop without an end, and onnxruntime cannot be interrupted. */
import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, type FailureCode, FerryError } from '../shared/errors.ts';
import type { ValidateFileRequest } from '../shared/steps/validate-file.ts';
import type { Validation } from '../shared/report/report.ts';

/** Files are paths. */
export interface ValidationTask extends Pick<ValidateFileRequest, 'processor' | 'host' | 'workFolder'> {
  readonly model: string;
  readonly data: string | undefined;
  readonly labels: string | undefined;
  readonly reference: string | undefined;
  readonly fp32: string | undefined;
}

export type ValidationAnswer =
  | { readonly kind: 'done'; readonly validation: Validation }
  | { readonly kind: 'refused'; readonly code: FailureCode; readonly details: unknown }
  /** A fault of ours. */
  | { readonly kind: 'broken'; readonly stack: string };

export interface TimeLimit {
  readonly seconds: number;
  readonly signal: AbortSignal;
}

// Beside this file, in the sources and when they are built.
const CHILD = new URL(`./validate-child${extname(import.meta.url)}`, import.meta.url);

/** Fails with LimitExceeded when the time is over; nothing of the work goes on then. */
export async function validateInTime(task: ValidationTask, { seconds, signal }: TimeLimit): Promise<Validation> {
  const child = fork(fileURLToPath(CHILD), {
    execArgv: [],
    // NaN and the infinities stay what they are.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  try {
    child.send(task);
    const answer = await new Promise<ValidationAnswer>((resolve, reject) => {
      const timer = setTimeout(() => {
        const found = `more than ${seconds} s`;
        reject(
          new FerryError('LimitExceeded', {
            file: task.model,
            what: 'the time to run it',
            found,
            limit: `${seconds} s`,
          }),
        );
      }, seconds * 1000);
      child.once('message', (message) => resolve(message as ValidationAnswer));
      child.once('error', reject);
      child.once('exit', (code, by) => {
        clearTimeout(timer);
        const reason = `its process ended with ${by ?? `code ${code}`}`;
        reject(new FerryError('ModelDoesNotRun', { file: task.model, reason }));
      });
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    if (answer.kind === 'done') return answer.validation;
    if (answer.kind === 'broken') throw new Error(`validation of "${task.model}" broke: ${answer.stack}`);
    // Code and details belong together: the child took them from one failure.
    return fail(answer.code, answer.details as never);
  } finally {
    child.kill('SIGKILL');
  }
}
