/** Reports on a batch of many items, by `node report-large-batch.ts FOLDER COUNT`: for a process of little memory. */
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { folderStore } from '../../local/folder-store.ts';
import { run } from '../../shared/pipeline/stages/batch-report.ts';

const [folder, count] = [process.argv[2]!, Number(process.argv[3])];
const at = (...names: string[]): string => join(folder, ...names);
for (const name of ['input', 'output', 'work/batches/big/run', 'temporary']) mkdirSync(at(name), { recursive: true });

const row = (i: number): string =>
  `${JSON.stringify({
    Status: 'SUCCEEDED',
    Input: JSON.stringify({ item: { line: i, row: { key: `models/${i}.pt2` } }, batch: { id: 'big' } }),
    Output: JSON.stringify({
      verdict: 'pass',
      sentence: 'Passed: the outputs equal those of PyTorch. '.repeat(5),
      bytes: 1000 + i,
      chosenBytes: 500,
      output: { bucket: 'output', folder: `models/${i}/0123456789ab/` },
    }),
  })}\n`;
await pipeline(
  function* () {
    for (let i = 0; i < count; i++) yield row(i);
  },
  createWriteStream(at('work/batches/big/run/SUCCEEDED_0.jsonl')),
);
await pipeline(
  [JSON.stringify({ ResultFiles: { SUCCEEDED: [{ Key: 'batches/big/run/SUCCEEDED_0.jsonl' }] } })],
  createWriteStream(at('work/batches/big/run/manifest.json')),
);

const output = await run(
  {
    batch: { id: 'big', bucket: 'input', manifest: 'list.jsonl', prefix: null, options: null },
    buckets: { output: 'output', work: 'work' },
  },
  {
    store: folderStore({ input: at('input'), output: at('output'), work: at('work') }),
    temporaryFolder: at('temporary'),
    now: Date.now,
    log: () => {},
  },
);
process.stdout.write(JSON.stringify({ output, peakMb: process.resourceUsage().maxRSS / 1024 }));
