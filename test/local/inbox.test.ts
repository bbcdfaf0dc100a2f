/**
 * A folder that is watched: what appears is converted once, what is still being copied is left alone, what was
 * interrupted goes on.
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type InboxOptions, watchInbox } from '../../local/inbox.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { writeNpz } from '../../shared/tensor/npz.ts';
import { PROGRAM, type Before, fakeStages } from './fake-stages.ts';

let root: string;
let outcomes: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'inbox-'));
  outcomes = [];
  await mkdir(join(root, 'in'));
});
afterEach(() => rm(root, { recursive: true }));

/** Watch until `enough` says so. */
async function watch(
  enough: () => boolean,
  { before, ...more }: Partial<InboxOptions> & { before?: Before } = {},
): Promise<void> {
  const stop = new AbortController();
  const watching = watchInbox({
    inbox: join(root, 'in'),
    outDir: join(root, 'out'),
    intervalMs: 5,
    signal: stop.signal,
    stages: fakeStages(before),
    onOutcome: (key, { status }) => outcomes.push(`${key} ${status}`),
    ...more,
  });
  const late = Date.now() + 5000;
  while (!enough() && Date.now() < late) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort(new Error('enough'));
  await watching;
}
const put = (name: string, content: Uint8Array | string = PROGRAM) => writeFile(join(root, 'in', name), content);

it('converts what is there and what comes, and nothing else', async () => {
  await put('a.pt2');
  await put('notes.txt');
  let added = false;
  await watch(() => {
    if (outcomes.length === 1 && !added) {
      added = true;
      void put('B.PT2');
      void put('bad.pt2', 'no model');
    }
    return outcomes.length >= 3;
  });
  expect(outcomes.sort()).toEqual(['B.PT2 SUCCEEDED', 'a.pt2 SUCCEEDED', 'bad.pt2 FAILED']);
  expect((await readdir(join(root, 'out'))).sort()).toEqual(['.torchferry', 'B', 'a', 'bad']);
});

it('does not do again after a restart what was done', async () => {
  await put('a.pt2');
  await put('bad.pt2', 'no model');
  await watch(() => outcomes.length >= 2);
  let looks = 0;
  await watch(() => ++looks > 20);
  expect(outcomes).toHaveLength(2);
});

it('does again after a restart what was interrupted', async () => {
  await put('a.pt2');
  let interrupted = false;
  await watch(() => interrupted, {
    before: (stage) => {
      if (stage !== 'convert') return undefined;
      interrupted = true;
      return new Promise((resolve) => setTimeout(resolve, 30));
    },
  });
  expect(outcomes).toEqual([]);
  await watch(() => outcomes.length >= 1);
  expect(outcomes).toEqual(['a.pt2 SUCCEEDED']);
});

it('waits until a file is complete', async () => {
  let writes = 0;
  const copying = setInterval(
    () => void (writes++ < 20 && put('slow.pt2', Buffer.concat([PROGRAM, Buffer.alloc(writes)]))),
    2,
  );
  try {
    await watch(() => outcomes.length >= 1, { intervalMs: 15 });
  } finally {
    clearInterval(copying);
  }
  expect(outcomes).toEqual(['slow.pt2 SUCCEEDED']);
  expect(await readdir(join(root, 'out', 'slow'))).toHaveLength(2);
});

it('starts a job that failed when the file it was missing appears', async () => {
  await put('a.job.json', '{"dtype": "fp32", "reference": "r.npz"}');
  await put('a.pt2');
  const events: string[] = [];
  let added = false;
  await watch(
    () => {
      if (outcomes.length === 1 && !added) {
        added = true;
        void writeNpz([['x', memoryData('float32', [1], new Uint8Array(4))]]).then((npz) => put('r.npz', npz));
      }
      return events.includes('model.conversion.completed');
    },
    { onEvent: (event) => void (event.kind === 'event' && events.push(event.type)) },
  );
  expect(outcomes).toEqual(['a.pt2 FAILED']);
  expect(events).toEqual(['model.conversion.failed', 'model.conversion.completed']);
});
