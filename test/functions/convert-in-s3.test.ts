/**
 * Conversion where models lie in S3: weights that go through as they are never leave it, others are read once, and
 * damaged ones are found by whoever reads them first.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ModelShape, writeProgram } from '../../bench/large/model.ts';
import { s3Store } from '../../functions/s3-store.ts';
import { makeFerry } from '../../local/ferry.ts';
import type { Weights } from '../../shared/choices.ts';
import type { Report } from '../../shared/report/report.ts';
import { MemoryS3 } from './memory-s3.ts';

const SHAPE = { layers: 6, width: 768 };

let folder: string;
const models = new Map<ModelShape['weights'], Buffer>();
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'convert-in-s3-'));
  for (const weights of ['kept', 'transposed'] as const) {
    writeProgram(join(folder, 'model.pt2'), { ...SHAPE, weights });
    models.set(weights, readFileSync(join(folder, 'model.pt2')));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Converted {
  readonly s3: MemoryS3;
  readonly status: string;
  /** What convert fetched of the model, as a part of it. */
  readonly read: number;
  readonly report: Report;
}

async function convert(model: Buffer, weights: Weights, dtype = ['fp32']): Promise<Converted> {
  const s3 = new MemoryS3();
  s3.put('input', 'net.pt2', model);
  let fetched = 0;
  s3.disturb = ({ path, headers }) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers['range'] ?? '') ?? [];
    if (path === '/input/net.pt2' && to !== undefined) fetched += Number(to) - Number(from) + 1;
    return undefined;
  };
  const { status } = await makeFerry({
    buckets: { input: '', output: '', work: '' },
    store: s3Store(s3.client()),
    temporaryFolder: folder,
  }).convert({ bucket: 'input', key: 'net.pt2', options: { weights, dtype, approach: 'dynamic' } });
  const reported = [...s3.objects.keys()].find((name) => name.endsWith('/report.json'))!;
  const report = JSON.parse(Buffer.from(s3.objects.get(reported)!.at(-1)!.bytes).toString()) as Report;
  return { s3, status, read: fetched / model.byteLength, report };
}

describe.each<[ModelShape['weights'], Weights, number, number]>([
  ['kept', 'pack', 0.05, 0.99],
  ['kept', 'link', 0.05, 1],
  ['kept', 'embed', 1.05, 0],
  ['transposed', 'embed', 1.05, 0],
  ['transposed', 'pack', 1.05, 0],
])('weights %s, %s', (layout, weights, most, copied) => {
  it(`reads at most ${most} of the model, copies ${copied} of it, and the result runs`, async () => {
    const model = models.get(layout)!;
    const { s3, status, read, report } = await convert(model, weights);
    expect(status).toBe('SUCCEEDED');
    expect(read).toBeLessThanOrEqual(most);
    expect(s3.copied / model.byteLength).toBeGreaterThanOrEqual(copied);
    expect(s3.uploads.size).toBe(0);
    const { validation } = report.variants[0]!;
    expect(validation!.checks.filter(({ passed }) => !passed)).toEqual([]);
  });
});

describe('a damaged weight', () => {
  const damaged = (): Buffer => {
    const model = Buffer.from(models.get('kept')!);
    model[Math.floor(model.byteLength / 2)]! ^= 1;
    return model;
  };

  it.each<[Weights, string[]]>([
    ['pack', ['fp32']],
    ['link', ['fp32']],
    ['embed', ['fp32']],
    ['pack', ['int8']],
  ])('copied or read, is refused: %s, %j', async (weights, dtype) => {
    const { status, report } = await convert(damaged(), weights, dtype);
    expect(status).toBe('FAILED');
    expect(JSON.stringify(report)).toContain('is damaged: its CRC-32 is');
    expect(JSON.stringify(report)).toContain('CorruptArchive');
  });
});
