/** A failure as the States language sees it: a name that Retry and Catch match, and a cause. */

export class StatesError extends Error {
  override readonly cause: string;
  constructor(name: string, cause = '') {
    super(cause);
    this.name = name;
    this.cause = cause;
  }
}

/** What a thrown value is called. Errors of a resource keep their own name. */
export function statesError(thrown: unknown): StatesError {
  if (thrown instanceof StatesError) return thrown;
  return thrown instanceof Error
    ? new StatesError(thrown.name, thrown.message)
    : new StatesError('States.TaskFailed', String(thrown));
}

// These end an execution whatever it catches.
const TERMINAL = new Set(['States.Runtime', 'States.DataLimitExceeded']);
// What `States.TaskFailed` does not stand for.
const NOT_TASK_FAILED = new Set(['States.Timeout']);
// A silence is a timeout, too.
const KINDS: Readonly<Record<string, string>> = { 'States.HeartbeatTimeout': 'States.Timeout' };

/** Whether a Retry or Catch with these names is meant by an error. */
export const matches = (names: readonly string[], error: StatesError): boolean =>
  !TERMINAL.has(error.name) &&
  names.some(
    (name) =>
      name === error.name ||
      name === KINDS[error.name] ||
      name === 'States.ALL' ||
      (name === 'States.TaskFailed' && !NOT_TASK_FAILED.has(error.name)),
  );
