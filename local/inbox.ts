/** A folder watched like a bucket: a model that appears in it is converted, once. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DATA_SUFFIXES, isNamed, MODEL_SUFFIXES } from '../shared/formats/table.ts';
import { identify } from '../shared/pipeline/job/request.ts';
import type { FerryEvent } from './ferry-event.ts';
import { type FerryOptions, makeFerry } from './ferry.ts';
import { withFolderLock } from './folder-lock.ts';
import { folderStore } from './folder-store.ts';
import type { Outcome } from './interpreter.ts';

export interface InboxOptions extends Pick<
  FerryOptions,
  'stages' | 'interpret' | 'concurrency' | 'processor' | 'timeLimit'
> {
  readonly inbox: string;
  /** Results, in the folders they have in an output bucket; what was done is remembered in its `.torchferry`. */
  readonly outDir: string;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: FerryEvent) => void;
  readonly onOutcome?: (key: string, outcome: Outcome) => void;
  /** Milliseconds between two looks; default 1000. */
  readonly intervalMs?: number;
}

/** What is remembered of a watched folder, in the folder of its results. */
export const WORK_FOLDER = '.torchferry';

/**
 * Looks at the folder until the signal fires. A file counts as uploaded when two looks find it unchanged: whoever
 * copies a large
 * model in is not disturbed. What was interrupted is begun again at the next start; what was finished, well or not, is
 * not.
 */
export const watchInbox = (options: InboxOptions): Promise<void> =>
  withFolderLock(options.outDir, () => watch(options));

async function watch(options: InboxOptions): Promise<void> {
  const { inbox, outDir, signal, onEvent, stages, interpret, concurrency, processor, timeLimit } = options;
  const buckets = { input: inbox, output: outDir, work: join(outDir, WORK_FOLDER) };
  await Promise.all(Object.values(buckets).map((folder) => mkdir(folder, { recursive: true })));
  const temporaryFolder = await mkdtemp(join(tmpdir(), 'torchferry-inbox-'));
  const store = folderStore(buckets);
  const ferry = makeFerry({
    buckets,
    temporaryFolder,
    ...(onEvent ? { onEvent } : {}),
    ...(stages ? { stages } : {}),
    ...(interpret ? { interpret } : {}),
    ...(processor ? { processor } : {}),
    ...(timeLimit === undefined ? {} : { timeLimit }),
    ...(concurrency === undefined ? {} : { concurrency }),
  });
  const running = new Map<string, Promise<void>>();

  async function convert(key: string, version: string): Promise<void> {
    const { id } = await identify(store, { bucket: 'input', key, version });
    const done = `done/${id}.json`;
    if (await store.head('work', done)) return;
    // The same name again: a claim that was made before an interruption is this execution's own.
    const outcome = await ferry.convert({ bucket: 'input', key, version, delivered: true }, { signal, name: id });
    if (outcome.status === 'ABORTED') return;
    await store.putBytes({
      bucket: 'work',
      key: done,
      bytes: Buffer.from(JSON.stringify({ key, version, status: outcome.status })),
      contentType: 'application/json',
    });
    if (isNamed(key, MODEL_SUFFIXES)) options.onOutcome?.(key, outcome);
  }

  const begun = new Set<string>();
  let before = new Set<string>();
  try {
    while (!signal.aborted) {
      const now = new Set<string>();
      for await (const { key, version } of store.list('input', '')) {
        if (!isNamed(key, [...MODEL_SUFFIXES, ...DATA_SUFFIXES])) continue;
        const seen = `${key}\0${version}`;
        now.add(seen);
        if (!before.has(seen) || begun.has(seen)) continue;
        begun.add(seen);
        const work = convert(key, version)
          // Replaced or removed since: the next look knows more.
          .catch((error: unknown) =>
            onEvent?.({ kind: 'log', message: `${key} could not be converted`, facts: { cause: String(error) } }),
          )
          .finally(() => running.delete(seen));
        running.set(seen, work);
      }
      before = now;
      await pause(options.intervalMs ?? 1000, signal);
    }
  } finally {
    await Promise.all(running.values());
    await rm(temporaryFolder, { recursive: true, force: true });
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
