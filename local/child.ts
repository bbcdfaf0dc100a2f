/** Work in a process that can be ended: onnxruntime cannot be interrupted, and may end the process it runs in. */
import { fail, type FailureCode, FerryError, isFailure } from '../shared/errors.ts';
import { type ChildPool, startChild } from './child-pool.ts';

export interface ChildWork {
  /** A module that calls `answering`, in a process of its own, or the processes of one that may be used again. */
  readonly module: URL | ChildPool;
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
  | ({ readonly kind: 'done'; readonly result: unknown } & Rested)
  | ({ readonly kind: 'refused'; readonly code: FailureCode; readonly details: unknown } & Rested)
  /** Another error, by its name. */
  | { readonly kind: 'broken'; readonly name: string; readonly message: string; readonly stack: string };

/** Of a process that could work on: its memory in bytes. */
interface Rested {
  readonly rss: number;
}

/** How long an interrupted child may tidy up, in milliseconds. */
const GRACE = 3000;

/**
 * The result of the work. Fails with LimitExceeded when the time is over, with ModelDoesNotRun when the process ended
 * by itself; failures of the work come as they are. Nothing of the work goes on afterwards.
 */
export async function inChild<T>(work: ChildWork): Promise<T> {
  const { module, task, about, doing, seconds, signal, onTold } = work;
  signal?.throwIfAborted();
  const pool = module instanceof URL ? null : module;
  const child = module instanceof URL ? startChild(module) : module.take();
  const stop = (): void => {
    if (child.connected) child.send({ kind: 'stop' });
    setTimeout(() => child.kill('SIGKILL'), GRACE).unref();
  };
  signal?.addEventListener('abort', stop, { once: true });
  let timer: NodeJS.Timeout | undefined;
  let rested: Rested | null = null;
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
    if ('rss' in answer) rested = answer;
    return resultOf(answer);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    for (const event of ['message', 'error', 'exit']) child.removeAllListeners(event);
    if (pool && rested) pool.give(child, rested.rss);
    else child.kill('SIGKILL');
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

/** The other side: does one task after another, until it is ended. */
export function answering<T>(work: (task: T, telling: Telling) => Promise<unknown>): void {
  // A terminal sends its signals to children too; the parent says when to stop.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => {});
  let stopped = new AbortController();
  const send = (message: Message): void => void process.send?.(message);
  process.on('disconnect', () => process.exit());
  process.on('message', (message: { readonly kind: 'stop' } | { readonly kind: 'task'; readonly task: T }) => {
    if (message.kind === 'stop') return stopped.abort();
    stopped = new AbortController();
    const { signal } = stopped;
    void answer(() => work(message.task, { tell: (told) => send({ kind: 'told', told }), signal })).then(send);
  });
}

async function answer(work: () => Promise<unknown>): Promise<Message> {
  try {
    const result = await work();
    return { kind: 'done', result, rss: process.memoryUsage.rss() };
  } catch (error) {
    if (isFailure(error))
      return { kind: 'refused', code: error.code, details: error.details, rss: process.memoryUsage.rss() };
    const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    return { kind: 'broken', name, message, stack };
  }
}
