/**
 * What conversion costs where models lie in S3: bytes read, written and copied there, memory and time, in ratios to the
 * size of the model. `npm run bench:s3`; `--small` leaves out the models of 2.2 GB, which take 7 GB of disk.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ModelShape, writeProgram } from './large/model.ts';
import { type CountedRun, StageRunner } from './large/stage-runner.ts';

const { values: options } = parseArgs({ options: { small: { type: 'boolean', default: false } } });

const SIZES = { '100 MB': { layers: 6, width: 2048 }, '2.2 GB': { layers: 33, width: 4096 } } as const;

interface Row {
  readonly weights: 'embed' | 'pack' | 'link';
  readonly layout: ModelShape['weights'];
  /** At most this much of the model is read. */
  readonly down: number;
}

/** A file of 2 GiB cannot be embedded: there `embed` packs. */
const ROWS: readonly Row[] = [
  { weights: 'embed', layout: 'transposed', down: 1.05 },
  { weights: 'pack', layout: 'transposed', down: 1.05 },
  { weights: 'embed', layout: 'kept', down: 0.05 },
  { weights: 'pack', layout: 'kept', down: 0.05 },
  { weights: 'link', layout: 'kept', down: 0.05 },
];
const MOST_MEMORY = 512 * 2 ** 20;

const folder = mkdtempSync(join(tmpdir(), 'torchferry-bench-'));
const runner = await StageRunner.start(folder);
const failures: string[] = [];
const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);
const mb = (bytes: number): string => String(Math.round(bytes / 1e6)).padStart(5);

function print(what: string, { counts, memory, anonymous, ms }: CountedRun, size: number): void {
  const ratio = (bytes: number): string => `${mb(bytes)} MB ${(bytes / size).toFixed(3)}x`;
  console.log(
    `${what.padEnd(48)} down ${ratio(counts.down)}  up ${ratio(counts.up)}  copied ${ratio(counts.copied)}  ` +
      `${counts.requests} requests  ${mib(memory)} MiB (${mib(anonymous)} of it no file)  ${(ms / 1000).toFixed(1)} s`,
  );
}

function require(what: string, found: number, limit: number): void {
  if (found > limit) failures.push(`${what}: ${found.toFixed(3)}, at most ${limit} is wanted`);
}

async function convert(file: string, { weights, layout, down }: Row, label: string): Promise<void> {
  await runner.clear();
  await runner.adopt('input/model.pt2', file);
  const buckets = { output: 'output', work: 'work' };
  const dtype = ['fp32', 'int8'];
  const request = { bucket: 'input', key: 'model.pt2', options: { weights, dtype, approach: 'dynamic' } };
  const claimed = await runner.run('claim', { request, execution: 'bench', buckets });
  const { job } = claimed.output as { readonly job: object };
  const size = statSync(file).size;
  const converted = await runner.run('convert', { job });
  const what = `${label}, ${weights}, weights ${layout}`;
  print(`convert ${what}`, converted, size);
  require(`${what}: read by convert`, converted.counts.down / size, down);
  require(`${what}: MiB of memory in convert`, converted.memory / 2 ** 20, MOST_MEMORY / 2 ** 20);
  if (weights !== 'pack') return;
  const quantized = await runner.run('quantize', { job, variant: { name: 'int8', quantize: true } });
  print(`quantize ${what}`, quantized, size);
  require(`${what}: MiB of memory in quantize`, quantized.memory / 2 ** 20, MOST_MEMORY / 2 ** 20);
  for (const variant of [
    { name: 'fp32', quantize: false },
    { name: 'int8', quantize: true },
  ])
    print(`validate ${variant.name} ${what}`, await runner.run('validate', { job, variant }), size);
}

try {
  for (const [label, size] of Object.entries(SIZES)) {
    if (options.small && label !== '100 MB') continue;
    for (const layout of ['transposed', 'kept'] as const) {
      const file = join(folder, 'model.pt2');
      writeProgram(file, { ...size, weights: layout });
      for (const row of ROWS) if (row.layout === layout) await convert(file, row, label);
    }
  }
} finally {
  runner.stop();
  rmSync(folder, { recursive: true, force: true });
}
for (const failure of failures) console.error(failure);
process.exitCode = failures.length ? 1 : 0;
