/**
 * Many small models through the Distributed Map of the local interpreter, to the end: how many a second, how much
 * memory at most, and whether the batch report and failed.jsonl are right. `npm run bench:batch`; `--models N` (10,000
 * unless said), `--concurrency N` stages at a time, `--processes` with a process for each stage that runs models, as
 * `torchferry batch` has it.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { runLocalBatch } from '../local/many.ts';
import { STAGE_SECONDS } from '../local/stage-process.ts';
import { BAD_ROW } from '../shared/pipeline/machine/batch-machine.ts';
import type { BatchFrame, BatchItem } from '../shared/report/batch.ts';
import { costText } from '../shared/report/cost.ts';
import { formatCount, formatDuration } from '../shared/report/format.ts';
import { writeProgram } from './large/model.ts';

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: '10000' },
    concurrency: { type: 'string', default: '1' },
    processes: { type: 'boolean', default: false },
  },
});
const count = Number(options.models);
const WIDTHS = [4, 8, 12, 16];
// A folder of this many models, as people sort them.
const PER_FOLDER = 1000;
/** Every so many rows one is no model, is not there, or is broken. */
const BAD_EVERY = 50;
const BAD = ['text', 'missing', 'broken'] as const;
const CODES = { text: 'UnsupportedFormat', missing: 'FileNotFound', broken: BAD_ROW } as const;

type Kind = 'model' | (typeof BAD)[number];
const kindOf = (i: number): Kind =>
  i % BAD_EVERY === BAD_EVERY - 1 ? BAD[Math.floor(i / BAD_EVERY) % BAD.length]! : 'model';
const keyOf = (i: number): string => `models/${Math.floor(i / PER_FOLDER)}/net-${String(i).padStart(7, '0')}.pt2`;

const folder = mkdtempSync(join(tmpdir(), 'torchferry-bench-batch-'));
const at = (...names: string[]): string => join(folder, ...names);
const failures: string[] = [];
const require = (what: string, isRight: boolean): void => void (isRight || failures.push(what));
const mib = (bytes: number): string => `${formatCount(Math.round(bytes / 2 ** 20))} MiB`;

function writeModels(): void {
  for (const width of WIDTHS) writeProgram(at(`${width}.pt2`), { layers: 2, width, weights: 'kept' });
  const rows = Array.from({ length: count }, (_, i) => {
    const [key, kind] = [keyOf(i), kindOf(i)];
    mkdirSync(dirname(at(key)), { recursive: true });
    if (kind === 'model') copyFileSync(at(`${WIDTHS[i % WIDTHS.length]}.pt2`), at(key));
    if (kind === 'text') writeFileSync(at(key), 'no model\n');
    return kind === 'broken' ? `{"key": "${key}"` : JSON.stringify({ key });
  });
  writeFileSync(at('list.jsonl'), `{"batch": {"maxConcurrency": 20}}\n${rows.join('\n')}\n`);
}

/** Every model stands in the report once with how it had to end, and every one that failed in failed.jsonl. */
function check(report: string, failedManifest: string): BatchFrame {
  const { items, ...frame } = JSON.parse(readFileSync(report.replace(/html$/, 'json'), 'utf8')) as BatchFrame & {
    readonly items: readonly BatchItem[];
  };
  // The first line of the manifest is that of the batch.
  const named = (i: number): string => (kindOf(i) === 'broken' ? `(line ${i + 2})` : keyOf(i));
  const found = new Map(items.map((item) => [item.key, item]));
  require('the report names each model once', found.size === count && items.length === count);
  const bad = Array.from({ length: count }, (_, i) => i).filter((i) => kindOf(i) !== 'model');
  for (let i = 0; i < count; i++) {
    const [item, kind] = [found.get(named(i)), kindOf(i)];
    if (kind === 'model') {
      const page = join(dirname(report), item?.report ?? 'none');
      const isWhole = item?.status !== 'fail' && item?.chosenBytes != null && item.cost !== null;
      require(`${named(i)} is converted`, isWhole && existsSync(page));
    } else require(`${named(i)} fails of ${CODES[kind]}`, item?.status === 'fail' && item.code === CODES[kind]);
  }
  const again = readFileSync(failedManifest, 'utf8').trim().split('\n').filter(Boolean);
  const asked = again.map((line) => JSON.parse(line) as { readonly key?: string; readonly line?: number });
  const expected = bad.map((i) => (kindOf(i) === 'broken' ? String(i + 2) : keyOf(i)));
  const same =
    asked
      .map(({ key, line }) => key ?? String(line))
      .toSorted()
      .join() === expected.toSorted().join();
  require('failed.jsonl asks for what failed and for nothing else', same);
  return frame;
}

try {
  writeModels();
  let [done, most, shown] = [0, 0, 0];
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 250);
  const cpu = process.cpuUsage();
  const { report, failedManifest, counts, failure } = await runLocalBatch({
    models: at('list.jsonl'),
    outDir: at('out'),
    concurrency: Number(options.concurrency),
    ...(options.processes ? { timeLimit: STAGE_SECONDS } : {}),
    onEvent: (event) => {
      if (event.kind !== 'event' || !event.type.startsWith('model.conversion')) return;
      done++;
      if (Math.floor((10 * done) / count) === shown) return;
      shown = Math.floor((10 * done) / count);
      const rate = (done / seconds()).toFixed(1);
      console.log(`${formatCount(done).padStart(9)} models  ${rate} a second  ${mib(process.memoryUsage.rss())}`);
    },
  });
  const took = seconds();
  clearInterval(watch);
  const { user, system } = process.cpuUsage(cpu);
  const { cost } = check(report, failedManifest);
  if (failure) failures.push(`the batch failed: ${failure.code}: ${failure.message}`);
  console.log(
    `${formatCount(counts.models)} models (${counts.pass} passed, ${counts.warn} with a warning, ${counts.fail} failed) ` +
      `in ${formatDuration(took)}: ${(counts.models / took).toFixed(1)} a second, ` +
      `${((user + system) / 1000 / counts.models).toFixed(1)} ms of processor each, at most ${mib(most)}`,
  );
  if (cost) console.log(costText(cost));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (failures.length) console.log(`WRONG:\n  ${failures.slice(0, 20).join('\n  ')}`);
process.exitCode = failures.length ? 1 : 0;
