/** Results in S3 say by tag which job made them, of which version, and what became of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { s3Store } from '../../functions/s3-store.ts';
import { makeFerry } from '../../local/ferry.ts';
import { type Before, fakeStages, PROGRAM, unsupported } from '../local/fake-stages.ts';
import { MemoryS3 } from './memory-s3.ts';

let temporaryFolder: string;
let s3: MemoryS3;
beforeEach(() => {
  temporaryFolder = mkdtempSync(join(tmpdir(), 'tags-'));
  s3 = new MemoryS3();
});
afterEach(() => rmSync(temporaryFolder, { recursive: true }));

async function convert(before?: Before): Promise<{ readonly job: string; readonly version: string }> {
  const { versionId } = s3.put('input', 'net.pt2', PROGRAM);
  await makeFerry({
    buckets: { input: '', output: '', work: '' },
    store: s3Store(s3.client()),
    temporaryFolder,
    stages: fakeStages(before),
  }).convert({ bucket: 'input', key: 'net.pt2' });
  const record = [...s3.objects.keys()].find((name) => /^work\/jobs\/[0-9a-f]{32}\//.test(name))!;
  return { job: record.split('/')[2]!, version: versionId };
}

/** Names of results to their tags. */
const tagged = (): Record<string, Record<string, string>> =>
  Object.fromEntries(
    [...s3.objects.keys()]
      .filter((name) => name.startsWith('output/') && !name.endsWith('latest.json'))
      .map((name) => [
        basename(name),
        Object.fromEntries(new URLSearchParams(s3.objects.get(name)!.at(-1)!.tagging ?? '')),
      ]),
  );

it('of a job that went well are validated, with the verdict', async () => {
  const { job, version } = await convert();
  const all = { 'torchferry-job': job, 'torchferry-model-version': version, 'torchferry-verdict': 'pass' };
  const model = { ...all, 'torchferry-status': 'validated' };
  expect(tagged()).toEqual({
    'model.onnx': model,
    'model.int8.onnx': model,
    'report.html': all,
    'report.json': all,
  });
});

it('are unvalidated until somebody has run them', async () => {
  let seen: Record<string, Record<string, string>> = {};
  const { job, version } = await convert((stage, variant) => {
    if (stage === 'validate' && variant === 'int8') seen = tagged();
  });
  expect(seen['model.int8.onnx']).toEqual({
    'torchferry-job': job,
    'torchferry-model-version': version,
    'torchferry-status': 'unvalidated',
  });
});

it('of a variant that failed say so, and those beside it do not', async () => {
  await convert((stage, variant) => {
    if (stage === 'validate' && variant === 'int8') throw new Error('it does not run');
  });
  const status = Object.entries(tagged()).map(([name, tags]) => [name, tags['torchferry-status']]);
  expect(Object.fromEntries(status)).toMatchObject({ 'model.onnx': 'validated', 'model.int8.onnx': 'failed' });
});

it('of a job that failed have its verdict', async () => {
  await convert((stage) => {
    if (stage === 'convert') unsupported();
  });
  expect(tagged()['report.json']).toMatchObject({ 'torchferry-verdict': 'fail' });
});

it('and nothing in the work bucket has any', async () => {
  await convert();
  const work = [...s3.objects].filter(([name]) => name.startsWith('work/'));
  expect(work.length).toBeGreaterThan(3);
  expect(work.filter(([, versions]) => versions.some(({ tagging }) => tagging !== undefined))).toEqual([]);
});
