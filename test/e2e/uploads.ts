/** Every way that a model gets into a bucket starts one conversion, and what is no model ends in a report. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { describe, expect, test } from 'vitest';
import { uploadForm } from '../../functions/upload-form.ts';
import { writeProgram } from '../../bench/large/model.ts';
import { folderOf } from '../../shared/pipeline/workspace/store.ts';
import type { Report } from '../../shared/report/report.ts';
import {
  deployment,
  ended,
  executionsOf,
  fixture,
  inBatches,
  inputBucket,
  keysBelow,
  latestOf,
  outcomeOf,
  outputBucket,
  readJson,
  resultsOf,
  s3,
  start,
  upload,
  workBucket,
} from './cloud.ts';

const DIGITS = fixture('pipeline/digits.pt2');
const FP32 = JSON.stringify({ dtype: 'fp32' });

/** A key below `folder` of exactly so many bytes, which S3 lets be 1,024. */
const longKey = (folder: string, bytes: number): string =>
  `${folder}/${'k'.repeat(200)}/${'ü'.repeat(200)}/`.padEnd(bytes - '.pt2'.length - 200, 'l') + '.pt2';

const KEYS = [
  'kinds/plain.pt2',
  'kinds/MODEL.PT2',
  'kinds/Model.Pt2',
  'kinds/with space.pt2',
  'kinds/a+b.pt2',
  'kinds/percent%20and%2F.pt2',
  'kinds/odd #?&<>%=@!$\'()*,;:"|~^`{}[].pt2',
  'kinds/ünï-模型-🚢.pt2',
  'kinds/deep/er/still/model.pt2',
  'kinds/v1.2/net.v3.pt2',
  'kinds/.hidden.pt2',
  'kinds/[brackets] {braces}, comma.pt2',
  'kinds/quote"and\'quote.pt2',
  longKey('kinds', 900),
];

interface Sent {
  readonly name: string;
  readonly content: Uint8Array;
  /** Fields that are not what was signed. */
  readonly changed?: Readonly<Record<string, string>>;
}

/** Upload as a browser does, by a form for files up to the size of the digits model. */
async function sendForm(prefix: string, { name, content, changed = {} }: Sent): Promise<Response> {
  const request = { bucket: inputBucket(), prefix, maxBytes: DIGITS.length, expiresSeconds: 60 };
  const { url, fields } = await uploadForm(request, s3);
  const form = new FormData();
  for (const [field, value] of Object.entries({ ...fields, ...changed })) form.append(field, value);
  form.append('file', new Blob([new Uint8Array(content)]), name);
  return fetch(url, { method: 'POST', body: form });
}

const WAYS: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
  'one put': (key) => upload(key, DIGITS),
  'a copy': (key) =>
    s3.send(
      new CopyObjectCommand({
        Bucket: inputBucket(),
        Key: key,
        CopySource: `${inputBucket()}/${encodeURIComponent('kinds/plain.pt2')}`,
      }),
    ),
  'a multipart upload': async (key) => {
    const object = { Bucket: inputBucket(), Key: key };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(object));
    const part = { ...object, UploadId, PartNumber: 1 };
    const { ETag } = await s3.send(new UploadPartCommand({ ...part, Body: DIGITS }));
    const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
    await s3.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload }));
  },
  'a stream of unknown length': (key) =>
    new Upload({ client: s3, params: { Bucket: inputBucket(), Key: key, Body: Readable.from([DIGITS]) } }).done(),
  'a form': async (key) => {
    const sent = await sendForm(folderOf(key), { name: key.slice(folderOf(key).length), content: DIGITS });
    expect(sent.status).toBe(201);
  },
  'the object again': (key) => upload(key, DIGITS),
};

interface Hostile {
  readonly content: Uint8Array | string;
  readonly code: string;
  readonly job?: string;
}
const HOSTILE: Readonly<Record<string, Hostile>> = {
  empty: { content: '', code: 'UnsupportedFormat' },
  'a page': { content: '<!doctype html><title>403</title>', code: 'UnsupportedFormat' },
  noise: { content: Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 131) % 251)), code: 'UnsupportedFormat' },
  'half a file': { content: DIGITS.subarray(0, DIGITS.length / 2), code: 'CorruptArchive' },
  'a weight too short': { content: fixture('pt2/broken_short_weight.pt2'), code: 'CorruptModel' },
  'a weight missing': { content: fixture('pt2/broken_missing_weight.pt2'), code: 'CorruptModel' },
  'a pickled module': { content: fixture('torch-save/module.pt'), code: 'UnsupportedFormat' },
  'a pickle that runs programs': { content: fixture('torch-save/os-system.pt'), code: 'UnsafePickle' },
  'a job that is no JSON': { content: DIGITS, code: 'BadJob', job: '{"dtype": ' },
  'a job with an unknown word': { content: DIGITS, code: 'BadJob', job: '{"dtpye": "int8"}' },
};

describe.skipIf(!deployment)('an upload', () => {
  test('is converted, quantized, validated and reported', async () => {
    for (const name of ['digits.test.npz', 'digits.calibration.npz', 'digits.reference.npz', 'digits.pt2'])
      await upload(`whole/${name}`, fixture(`pipeline/${name}`));
    const [execution] = await executionsOf('whole/digits.pt2', 1);
    expect(outcomeOf(execution!)).toMatchObject({ status: 'SUCCEEDED' });
    const latest = await latestOf('whole/digits.pt2');
    expect(latest).toMatchObject({ verdict: 'pass' });
    const names = (await keysBelow(outputBucket(), 'whole/digits/')).map((key) => key.split('/').at(-1));
    expect(names.sort()).toEqual([
      'graph.html',
      'latest.json',
      'model.int8.onnx',
      'model.onnx',
      'report.html',
      'report.json',
    ]);
    const model = { Bucket: outputBucket(), Key: `${String(latest['folder'])}model.onnx` };
    const { TagSet = [] } = await s3.send(new GetObjectTaggingCommand(model));
    expect(Object.fromEntries(TagSet.map(({ Key, Value }) => [Key, Value]))).toEqual({
      'torchferry-job': latest['job'],
      'torchferry-model-version': latest['version'],
      'torchferry-status': 'validated',
      'torchferry-verdict': 'pass',
    });
  });

  test(`of every kind starts one conversion (${KEYS.length + Object.keys(WAYS).length + 1} uploads)`, async () => {
    const made: string[] = [];
    await inBatches(KEYS, 4, async (key) => {
      await upload(`${folderOf(key)}job.json`, FP32);
      await upload(key, DIGITS);
      made.push(key);
      await executionsOf(key, 1);
    });
    let number = 0;
    for (const way of Object.values(WAYS)) {
      const key = `kinds/way-${number++}.pt2`;
      await way(key);
      made.push(key);
      await executionsOf(key, 1);
    }
    // A new version of a model is another job.
    await upload('kinds/plain.pt2', fixture('pt2/container_2_13.pt2'));
    const expected = made.map((key): [string, number] => [key, key === 'kinds/plain.pt2' ? 2 : 1]);
    for (const [key, count] of expected) {
      const executions = await executionsOf(key, count);
      expect(executions.map(outcomeOf), key).toEqual(Array.from({ length: count }, () => ({ status: 'SUCCEEDED' })));
      expect(await latestOf(key), key).toMatchObject({ chosen: 'fp32' });
    }
  });

  test('by a form is refused beyond its size, beside its prefix, and when it is not signed', async () => {
    const file = { name: 'no.pt2', content: Buffer.from('no model') };
    const tries: Readonly<Record<string, Sent>> = {
      EntityTooLarge: { ...file, content: Buffer.alloc(DIGITS.length + 1) },
      AccessDenied: { ...file, changed: { key: 'elsewhere/${filename}' } },
      SignatureDoesNotMatch: { ...file, changed: { 'X-Amz-Signature': '0'.repeat(64) } },
    };
    for (const [code, sent] of Object.entries(tries)) {
      const response = await sendForm('forms/', sent);
      expect(response.ok).toBe(false);
      expect(await response.text()).toContain(`<Code>${code}</Code>`);
    }
    expect([...(await keysBelow(inputBucket(), 'forms/')), ...(await keysBelow(inputBucket(), 'elsewhere/'))]).toEqual(
      [],
    );
  });

  test('of 40 MB is put together of ranges of the upload, and nothing is left of what they were copied through', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'torchferry-e2e-model-'));
    const path = join(folder, 'model.pt2');
    writeProgram(path, { layers: 6, width: 1300, weights: 'kept' });
    await upload('large/model.job.json', JSON.stringify({ dtype: 'fp32', weights: 'embed' }));
    await upload('large/model.pt2', readFileSync(path));
    rmSync(folder, { recursive: true });
    const [execution] = await executionsOf('large/model.pt2', 1);
    expect(outcomeOf(execution!)).toEqual({ status: 'SUCCEEDED' });
    expect(await latestOf('large/model.pt2')).toMatchObject({ chosen: 'fp32' });
    expect(await keysBelow(workBucket(), 'parts/')).toEqual([]);
  });

  test('that is announced a hundred times is converted once', async () => {
    await upload('many/job.json', FP32);
    await upload('many/digits.pt2', DIGITS);
    const [first] = await executionsOf('many/digits.pt2', 1);
    const event = JSON.parse(first!.input!) as object;
    const outputs: unknown[] = [];
    await inBatches(Array.from({ length: 100 }), 8, async () => {
      const { output, ...rest } = await ended(await start(event));
      outputs.push(rest.status === 'SUCCEEDED' ? (JSON.parse(output!) as { duplicate?: boolean }).duplicate : rest);
    });
    expect(outputs.filter((isDuplicate) => isDuplicate === true)).toHaveLength(100);
    const jobs = (await keysBelow(outputBucket(), 'many/digits/')).filter((key) => key.endsWith('report.json'));
    expect(jobs).toHaveLength(1);
  });

  test('of ten hostile files ends in ten reports', async () => {
    const found: Record<string, string> = {};
    await inBatches(Object.entries(HOSTILE), 4, async ([name, { content, job }]) => {
      const key = `hostile/${name}.pt2`;
      if (job) await upload(`hostile/${name}.job.json`, job);
      await upload(key, content);
      const [execution] = await executionsOf(key, 1);
      expect(execution!.status, name).toBe('FAILED');
      const report = (await keysBelow(outputBucket(), `${resultsOf(key)}/`)).find((k) => k.endsWith('report.json'));
      found[name] = (await readJson<Report>(outputBucket(), report!)).failure!.code;
      expect(execution!.error, name).toBe(found[name]);
    });
    expect(found).toEqual(Object.fromEntries(Object.entries(HOSTILE).map(([name, { code }]) => [name, code])));
  });
});
