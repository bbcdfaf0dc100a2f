/** Work in a process that can be ended: onnxruntime cannot be interrupted, and may end the process it runs in. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fail, type FailureCode, FerryError, isFailure } from '../shared/errors.ts';

export interface ChildWork {
  /** A module that calls `answering`. */
  readonly module: URL;
  readonly task: unknown;
  /** What is run, for messages. */
  readonly about: string;
  /** What takes too long where it does. */
  readonly doing: string;
  readonly seconds: number;
  readonly signal?: AbortSignal | undefined;
  /** What the work tells on its way. */
  readonly onTold?: (told: unknown) => void;
}

type Message =
  | { readonly kind: 'told'; readonly told: unknown }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'refused'; readonly code: FailureCode; readonly details: unknown }
  /** Another error, by its name. */
  | { readonly kind: 'broken'; readonly name: string; readonly message: string; readonly stack: string };

/** How long an interrupted child may tidy up, in milliseconds. */
const GRACE = 3000;

/**
 * The result of the work. Fails with LimitExceeded when the time is over, with ModelDoesNotRun when the process ended
 * by itself; failures of the work come as they are. Nothing of the work goes on afterwards.
 */
export async function inChild<T>(work: ChildWork): Promise<T> {
  const { module, task, about, doing, seconds, signal, onTold } = work;
  signal?.throwIfAborted();
  const child = fork(fileURLToPath(module), {
    execArgv: [],
    // NaN and the infinities stay what they are.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const stop = (): void => {
    if (child.connected) child.send({ kind: 'stop' });
    setTimeout(() => child.kill('SIGKILL'), GRACE).unref();
  };
  signal?.addEventListener('abort', stop, { once: true });
  let timer: NodeJS.Timeout | undefined;
  try {
    child.send({ kind: 'task', task });
    const answer = await new Promise<Message>((resolve, reject) => {
      timer = setTimeout(() => {
        const limit = { found: `more than ${seconds} s`, limit: `${seconds} s` };
        reject(new FerryError('LimitExceeded', { file: about, what: `the time for ${doing}`, ...limit }));
      }, seconds * 1000);
      child.on('message', (message: Message) => {
        if (message.kind === 'told') onTold?.(message.told);
        else resolve(message);
      });
      child.once('error', reject);
      child.once('exit', (code, by) => {
        const reason = `its process ended with ${by ?? `code ${code}`}`;
        reject(signal?.aborted ? signal.reason : new FerryError('ModelDoesNotRun', { file: about, reason }));
      });
    });
    signal?.throwIfAborted();
    return resultOf(answer);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    child.kill('SIGKILL');
  }
}

function resultOf<T>(answer: Message): T {
  if (answer.kind === 'done') return answer.result as T;
  // Code and details belong together: the child took them from one failure.
  if (answer.kind === 'refused') return fail(answer.code, answer.details as never);
  if (answer.kind === 'told') throw new Error('what a child tells is no answer');
  throw Object.assign(new Error(answer.message), { name: answer.name, stack: answer.stack });
}

export interface Telling {
  readonly tell: (told: unknown) => void;
  readonly signal: AbortSignal;
}

/** The other side: does one task and ends. */
export function answering<T>(work: (task: T, telling: Telling) => Promise<unknown>): void {
  // A terminal sends its signals to children too; the parent says when to stop.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => {});
  const stopped = new AbortController();
  const send = (message: Message, then?: () => void): void => void process.send?.(message, () => then?.());
  process.on('disconnect', () => process.exit());
  process.on('message', (message: { readonly kind: 'stop' } | { readonly kind: 'task'; readonly task: T }) => {
    if (message.kind === 'stop') return stopped.abort();
    void answer(() =>
      work(message.task, { tell: (told) => send({ kind: 'told', told }), signal: stopped.signal }),
    ).then((found) => send(found, () => process.disconnect()));
  });
}

async function answer(work: () => Promise<unknown>): Promise<Message> {
  try {
    return { kind: 'done', result: await work() };
  } catch (error) {
    if (isFailure(error)) return { kind: 'refused', code: error.code, details: error.details };
    const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    return { kind: 'broken', name, message, stack };
  }
}
