/** What S3 denies or cannot give is a typed failure with a report, for one model and for one row of many. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { s3Store } from '../../functions/s3-store.ts';
import { type Ferry, makeFerry } from '../../local/ferry.ts';
import type { BatchItem } from '../../shared/report/batch.ts';
import type { Report } from '../../shared/report/report.ts';
import { fakeStages, PROGRAM } from '../local/fake-stages.ts';
import { virtualClock } from '../local/virtual-clock.ts';
import { failure, MemoryS3 } from './memory-s3.ts';

let temporaryFolder: string;
let s3: MemoryS3;
beforeEach(() => {
  temporaryFolder = mkdtempSync(join(tmpdir(), 'denied-'));
  s3 = new MemoryS3();
});
afterEach(() => rmSync(temporaryFolder, { recursive: true }));

const ferry = (): Ferry =>
  makeFerry({
    buckets: { input: '', output: '', work: '' },
    store: s3Store(s3.client()),
    temporaryFolder,
    stages: fakeStages(),
    interpret: { clock: virtualClock(Date.now()), random: () => 0 },
  });
const text = (suffix: string): string => {
  const [, versions] = [...s3.objects].find(([name]) => name.startsWith('output/') && name.endsWith(suffix))!;
  return Buffer.from(versions.at(-1)!.bytes).toString();
};
const deny = (key: string, status = 403, name = 'AccessDenied'): void => {
  s3.disturb = ({ path }) => (path.endsWith(`/${key}`) ? failure(status, name) : undefined);
};

describe('one model', () => {
  it.each([
    [403, 'AccessDenied', 'AccessDenied'],
    [503, 'SlowDown', 'StorageUnavailable'],
    [400, 'KMS.DisabledException', 'StorageRefused'],
  ])('answered %s %s fails as %s, with a report', async (status, name, code) => {
    s3.put('input', 'secret.pt2', PROGRAM);
    deny('secret.pt2', status, name);
    expect(await ferry().convert({ bucket: 'input', key: 'secret.pt2' })).toMatchObject({
      status: 'FAILED',
      error: code,
    });
    const report = JSON.parse(text('report.json')) as Report;
    expect(report).toMatchObject({ verdict: { status: 'fail' }, failure: { code, stage: 'claim' } });
    expect(report.failure!.message).toContain('s3://input/secret.pt2');
    expect([...s3.objects.keys()].some((key) => key.startsWith('output/secret/'))).toBe(true);
  });

  it('whose calibration data are denied says which file', async () => {
    s3.put('input', 'net.pt2', PROGRAM);
    s3.put('input', 'net.calibration.npz', PROGRAM);
    deny('net.calibration.npz');
    expect(await ferry().convert({ bucket: 'input', key: 'net.pt2' })).toMatchObject({ error: 'AccessDenied' });
    expect((JSON.parse(text('report.json')) as Report).failure!.message).toContain('net.calibration.npz');
  });
});

describe('one row of a batch', () => {
  beforeEach(() => {
    for (const key of ['a.pt2', 'secret.pt2', 'b.pt2']) s3.put('input', key, PROGRAM);
    s3.put('input', 'list.jsonl', Buffer.from('"a.pt2"\n"secret.pt2"\n"b.pt2"\n'));
  });
  const batch = () => ferry().batch({ bucket: 'input', manifest: 'list.jsonl', maxConcurrency: 1 }, { name: 'run' });
  const items = (): BatchItem[] => (JSON.parse(text('batch-report.json')) as { items: BatchItem[] }).items;

  it('that is denied costs no other row, and is listed to run again', async () => {
    deny('secret.pt2');
    expect(await batch()).toMatchObject({ status: 'SUCCEEDED', output: { models: 3, pass: 2, fail: 1 } });
    const found = items().find(({ key }) => key === 'secret.pt2')!;
    expect(found).toMatchObject({ status: 'fail', code: 'AccessDenied' });
    expect([...s3.objects.keys()]).toContain(join('output/list/run', found.report!));
    expect(text('failed.jsonl')).toBe('{"bucket":"input","key":"secret.pt2"}\n');
  });

  it('whose report cannot be looked up says so', async () => {
    s3.put('input', 'secret.pt2', Buffer.from('no model'));
    s3.disturb = ({ path, method }) =>
      method === 'GET' && path.includes('/output/secret/') && path.endsWith('report.json')
        ? failure(403, 'AccessDenied')
        : undefined;
    expect(await batch()).toMatchObject({ status: 'SUCCEEDED', output: { pass: 2, fail: 1 } });
    expect(items().find(({ key }) => key === 'secret.pt2')).toMatchObject({
      code: 'UnsupportedFormat',
      report: null,
      sentence: expect.stringMatching(/a text file.*its report could not be looked up: may not read/s) as string,
    });
  });
});
