/**
 * Where uploads are scanned, nothing is read that was not found clean: the machine started by GuardDuty's event, over
 * an S3 that has the tags of the scans.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { s3Store } from '../../functions/s3-store.ts';
import { SCAN_TAG, scannedStore } from '../../functions/scanned-store.ts';
import { makeFerry } from '../../local/ferry.ts';
import type { Outcome } from '../../local/interpreter.ts';
import type { Json } from '../../shared/pipeline/machine/asl.ts';
import type { Report } from '../../shared/report/report.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { writeNpz } from '../../shared/tensor/npz.ts';
import { fakeStages, PROGRAM } from '../local/fake-stages.ts';
import { virtualClock } from '../local/virtual-clock.ts';
import { MemoryS3 } from './memory-s3.ts';

const NPZ = await writeNpz([['x', memoryData('float32', [1], new Uint8Array(4))]]);

let temporaryFolder: string;
let s3: MemoryS3;
/** Keys of uploads whose content was fetched. */
let read: Set<string>;
beforeEach(() => {
  temporaryFolder = mkdtempSync(join(tmpdir(), 'scanned-'));
  s3 = new MemoryS3();
  read = new Set();
  s3.disturb = ({ path }, operation) => {
    if (operation === 'GetObject' && path.startsWith('/input/')) read.add(path.slice('/input/'.length));
    return undefined;
  };
});
afterEach(() => rmSync(temporaryFolder, { recursive: true }));

type Status = 'NO_THREATS_FOUND' | 'THREATS_FOUND' | 'UNSUPPORTED' | 'FAILED' | null;

/** null: not yet. */
const upload = (key: string, content: Uint8Array | string, status: Status): { versionId: string } =>
  s3.put('input', key, Buffer.from(content), status === null ? {} : { 'x-amz-tagging': `${SCAN_TAG}=${status}` });

const scanned = (key: string): void => {
  const versions = s3.objects.get(`input/${key}`)!;
  versions.push({ ...versions.pop()!, tagging: `${SCAN_TAG}=NO_THREATS_FOUND` });
};

/** As GuardDuty sends it. */
const scanEvent = (objectKey: string, versionId: string, scanResultStatus = 'NO_THREATS_FOUND'): Json => ({
  source: 'aws.guardduty',
  'detail-type': 'GuardDuty Malware Protection Object Scan Result',
  detail: {
    schemaVersion: '1.0',
    scanStatus: 'COMPLETED',
    resourceType: 'S3_OBJECT',
    s3ObjectDetails: { bucketName: 'input', objectKey, eTag: 'abc', versionId, s3Throttled: false },
    scanResultDetails: { scanResultStatus, threats: null },
  },
});

const convert = (input: Json, afterRetry: () => void = () => {}): Promise<Outcome> =>
  makeFerry({
    buckets: { input: '', output: '', work: '' },
    store: scannedStore(s3Store(s3.client()), 'input'),
    temporaryFolder,
    stages: fakeStages(),
    interpret: {
      clock: virtualClock(Date.now()),
      random: () => (afterRetry(), 0.5),
    },
  }).convert(input);

const report = (): Report => {
  const name = [...s3.objects.keys()].find((each) => each.startsWith('output/') && each.endsWith('report.json'))!;
  return JSON.parse(Buffer.from(s3.objects.get(name)!.at(-1)!.bytes).toString()) as Report;
};

describe('a model', () => {
  it('that is clean is converted, in the version that was scanned', async () => {
    const { versionId } = upload('nets/a b.pt2', PROGRAM, 'NO_THREATS_FOUND');
    upload('nets/a b.pt2', 'the next one', null);
    expect(await convert(scanEvent('nets/a b.pt2', versionId))).toMatchObject({ status: 'SUCCEEDED' });
    expect(report().model).toMatchObject({ key: 'nets/a b.pt2', version: versionId });
  });

  it.each([
    ['THREATS_FOUND', 'MalwareFound'],
    ['UNSUPPORTED', 'NotScanned'],
    ['FAILED', 'NotScanned'],
  ] as const)('with %s is refused as %s, in a report, and nobody has read it', async (status, code) => {
    const { versionId } = upload('net.pt2', PROGRAM, status);
    expect(await convert(scanEvent('net.pt2', versionId, status))).toMatchObject({ status: 'FAILED', error: code });
    expect(report()).toMatchObject({ verdict: { status: 'fail' }, failure: { code, stage: 'claim' } });
    expect(report().failure!.message).toContain('"net.pt2"');
    expect([...read]).toEqual([]);
  });

  it('is refused however it is started', async () => {
    upload('net.pt2', PROGRAM, 'THREATS_FOUND');
    expect(await convert({ bucket: 'input', key: 'net.pt2' })).toMatchObject({ error: 'MalwareFound' });
    expect([...read]).toEqual([]);
  });

  it('whose tag comes later than its event is waited for', async () => {
    const { versionId } = upload('net.pt2', PROGRAM, null);
    const outcome = await convert(scanEvent('net.pt2', versionId), () => scanned('net.pt2'));
    expect(outcome).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('that is never scanned is not waited for longer than minutes', async () => {
    upload('net.pt2', PROGRAM, null);
    expect(await convert({ bucket: 'input', key: 'net.pt2' })).toMatchObject({ error: 'ScanPending' });
    expect([...read]).toEqual([]);
  });

  it('that is not there is not called infected', async () => {
    expect(await convert({ bucket: 'input', key: 'net.pt2' })).toMatchObject({ error: 'FileNotFound' });
  });
});

describe('a file beside the model', () => {
  beforeEach(() => void upload('net.pt2', PROGRAM, 'NO_THREATS_FOUND'));
  const start = (afterRetry?: () => void): Promise<Outcome> => convert({ bucket: 'input', key: 'net.pt2' }, afterRetry);

  it.each(['net.job.json', 'net.calibration.npz'])('%s that is infected stops the job, by its name', async (key) => {
    upload(key, key.endsWith('json') ? '{}' : NPZ, 'THREATS_FOUND');
    expect(await start()).toMatchObject({ error: 'MalwareFound' });
    expect(report().failure!.message).toContain(`"${key}"`);
    expect(read.has(key)).toBe(false);
  });

  it('is waited for', async () => {
    upload('net.calibration.npz', NPZ, null);
    expect(await start(() => scanned('net.calibration.npz'))).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('starts the job that gave up waiting when its scan is done', async () => {
    const { versionId } = upload('net.calibration.npz', NPZ, null);
    expect(await start()).toMatchObject({ error: 'ScanPending' });
    scanned('net.calibration.npz');
    expect(await convert(scanEvent('net.calibration.npz', versionId))).toMatchObject({ output: { started: 1 } });
  });
});

it('results and records are read as they are: only uploads are scanned', async () => {
  s3.put('output', 'x', Buffer.from('y'));
  const store = scannedStore(s3Store(s3.client()), 'input');
  expect(Buffer.from((await store.read('output', 'x'))!).toString()).toBe('y');
  expect(s3.log).toEqual(['GetObject']);
});
