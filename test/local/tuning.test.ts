/** `recipe: auto` through the real stages: what the report says, and what another start goes on from. */
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FerryEvent } from '../../local/ferry-event.ts';
import { type LocalRun, runLocal } from '../../local/run.ts';
import type { JobFile } from '../../shared/pipeline/job/job-schema.ts';
import { readJson } from '../../shared/report/json.ts';
import type { Report } from '../../shared/report/report.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/tuning');

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tuning-'));
  for (const name of await readdir(FIXTURES)) await copyFile(join(FIXTURES, name), join(root, name));
});
afterAll(() => rm(root, { recursive: true }));

const JOB: JobFile = { recipe: 'auto', approach: 'static', quant_format: ['QDQ'], calibrate_method: 'MinMax' };

async function convert(out: string, options: JobFile): Promise<{ run: LocalRun; report: Report; trials: number }> {
  let trials = 0;
  const onEvent = (event: FerryEvent): void => void (event.kind === 'log' && 'trial' in event.facts && trials++);
  const run = await runLocal({ model: join(root, 'two_layers.pt2'), outDir: out, options, onEvent });
  const report = readJson(await readFile(run.report!.replace(/html$/, 'json'), 'utf8')) as Report;
  return { run, report, trials };
}

it('leaves the layers in float that INT8 breaks at, and goes on where a start before stopped', async () => {
  const out = join(root, 'out');
  const goal = { accuracy: { metric: 'top1', max_drop: 0.005 } } as const;
  const first = await convert(out, { ...JOB, ...goal, tuning: { trials: 6 } });
  expect(first.run.failed).toMatchObject([{ variant: 'int8', code: 'AccuracyNotMet' }]);
  expect(first.report.variants.find(({ name }) => name === 'int8')!.failure!.message).toMatch(
    /trials of the tuning are/,
  );
  expect(first.trials).toBe(6);
  expect(await readdir(out)).toContain('.torchferry-trials-int8.json');

  const { run, report, trials } = await convert(out, { ...JOB, ...goal });
  expect(run).toMatchObject({ failed: [], chosen: 'int8' });
  const { quantization, validation } = report.variants.find(({ name }) => name === 'int8')!;
  const tuning = quantization!.tuning!;
  expect(tuning.trials).toHaveLength(6 + trials);
  const chosen = tuning.trials[tuning.chosen]!;
  expect(chosen.layers.kind === 'without' && [...chosen.layers.float].sort()).toEqual(['broad/Gemm', 'wide/Gemm']);
  // Validation runs on the same samples, and the same limit is what INT8 is chosen by.
  expect(validation!.accuracy!.top1).toBe(chosen.measured);
  expect(report.criterion).toEqual({ maxTop1Drop: 0.5 });
  expect((await readdir(out)).filter((name) => name.startsWith('.'))).toEqual([]);
  const page = await readFile(join(out, 'report.html'), 'utf8');
  expect(page).toContain('id="chart-trials-latency-1"');
  expect(page).toContain('id="chart-trials-size-1"');
  expect(page).toContain('Top-1 within 0.005 of FP32');
});

it('is refused where there are no data, before anything is made', async () => {
  await copyFile(join(root, 'two_layers.pt2'), join(root, 'alone.pt2'));
  await writeFile(join(root, 'alone.job.json'), JSON.stringify({ recipe: 'auto' }));
  const run = await runLocal({ model: join(root, 'alone.pt2'), outDir: join(root, 'alone') });
  expect(run.failure).toMatchObject({
    code: 'BadJob',
    message: expect.stringMatching(/no data to judge by/) as string,
  });
});
