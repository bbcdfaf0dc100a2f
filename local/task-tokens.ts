/**
 * States that wait for a token: their work is done elsewhere and answers with SendTaskSuccess, SendTaskFailure and
 * SendTaskHeartbeat.
 */
import { randomUUID } from 'node:crypto';
import type { Json } from '../shared/pipeline/machine/asl.ts';
import { StatesError } from './states-error.ts';

/** What a state waits for. */
export interface Waiting {
  readonly token: string;
  /** What was sent as a success; rejects with what was sent as a failure. */
  readonly result: Promise<Json>;
  /** Called for each sign of life. */
  onHeartbeat: () => void;
  /** The state has ended: whoever still works for it is told so. */
  close(): void;
}

/** Each call throws TaskTimedOut for what has ended, InvalidToken for what never was. */
export interface TaskTokens {
  issue(): Waiting;
  succeed(token: string, output: Json): void;
  fail(token: string, error: string, cause: string): void;
  heartbeat(token: string): void;
}

interface Open extends Waiting {
  readonly resolve: (output: Json) => void;
  readonly reject: (error: StatesError) => void;
}

export function taskTokens(): TaskTokens {
  const open = new Map<string, Open>();
  const closed = new Set<string>();
  const close = (token: string): void => {
    if (open.delete(token)) closed.add(token);
  };
  const find = (token: string): Open => {
    const found = open.get(token);
    if (found) return found;
    if (closed.has(token)) throw new StatesError('TaskTimedOut', 'Task Timed Out: the task has been closed');
    throw new StatesError('InvalidToken', 'Invalid Token');
  };
  return {
    issue() {
      const token = randomUUID();
      const { promise: result, resolve, reject } = Promise.withResolvers<Json>();
      // It may fail before anybody waits.
      result.catch(() => {});
      const waiting: Open = { token, result, resolve, reject, onHeartbeat: () => {}, close: () => close(token) };
      open.set(token, waiting);
      return waiting;
    },
    succeed(token, output) {
      find(token).resolve(output);
      close(token);
    },
    fail(token, error, cause) {
      find(token).reject(new StatesError(error, cause));
      close(token);
    },
    heartbeat: (token) => find(token).onHeartbeat(),
  };
}
