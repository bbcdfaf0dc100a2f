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

/** 40 MB: what is smaller is read, where it would have to be copied weight by weight. */
const SHAPE = { layers: 6, width: 1300 };

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

interface Asked {
  readonly dtype?: string[];
  /** Whether S3 says what the CRC-32 of a part is. */
  readonly checksums?: boolean;
  /** Whether objects are put together in S3. */
  readonly assembles?: boolean;
}

async function convert(
  model: Buffer,
  weights: Weights,
  { dtype = ['fp32'], checksums = true, assembles = true }: Asked = {},
): Promise<Converted> {
  const s3 = new MemoryS3({ checksums });
  s3.put('input', 'net.pt2', model);
  let fetched = 0;
  s3.disturb = ({ path, headers }) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers['range'] ?? '') ?? [];
    if (path === '/input/net.pt2' && to !== undefined) fetched += Number(to) - Number(from) + 1;
    return undefined;
  };
  const store = s3Store(s3.client());
  const { assemble: _assemble, copies: _copies, ...plain } = store;
  const { status } = await makeFerry({
    buckets: { input: '', output: '', work: '' },
    store: assembles ? store : plain,
    temporaryFolder: folder,
  }).convert({ bucket: 'input', key: 'net.pt2', options: { weights, dtype, approach: 'dynamic' } });
  const reported = [...s3.objects.keys()].find((name) => name.endsWith('/report.json'))!;
  const report = JSON.parse(Buffer.from(s3.objects.get(reported)!.at(-1)!.bytes).toString()) as Report;
  return { s3, status, read: fetched / model.byteLength, report };
}

describe.each<[ModelShape['weights'], Weights, number, number]>([
  ['kept', 'pack', 0.05, 0.99],
  ['kept', 'link', 0.05, 1],
  ['kept', 'embed', 0.05, 0.99],
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
    expect([...s3.objects.keys()].filter((key) => key.startsWith('work/parts/'))).toEqual([]);
    const { validation } = report.variants[0]!;
    expect(validation!.checks.filter(({ passed }) => !passed)).toEqual([]);
  });
});

it('makes the same file as without copies', async () => {
  const model = models.get('kept')!;
  const modelOf = ({ s3, report }: Converted): Uint8Array =>
    s3.newest('output', report.variants[0]!.files[0]!.path)!.bytes;
  const copied = await convert(model, 'embed');
  const plain = await convert(model, 'embed', { assembles: false });
  expect([copied.read <= 0.05, plain.read >= 0.99]).toEqual([true, true]);
  expect(Buffer.compare(modelOf(copied), modelOf(plain))).toBe(0);
});

describe('a damaged weight', () => {
  const damaged = (): Buffer => {
    const model = Buffer.from(models.get('kept')!);
    model[Math.floor(model.byteLength / 2)]! ^= 1;
    return model;
  };

  it.each<[Weights, Asked, string]>([
    ['pack', {}, 'validate'],
    ['link', {}, 'validate'],
    ['embed', {}, 'convert'],
    ['embed', { checksums: false }, 'validate'],
    ['pack', { dtype: ['int8'] }, 'quantize'],
  ])('copied or read, is refused by whoever can know: %s, %j, %s', async (weights, asked, stage) => {
    const { status, report } = await convert(damaged(), weights, asked);
    expect(status).toBe('FAILED');
    const failed = report.failure ?? report.variants.find(({ failure }) => failure)!.failure!;
    expect(failed.stage).toBe(stage);
    expect(JSON.stringify(report)).toContain('is damaged: its CRC-32 is');
    expect(JSON.stringify(report)).toContain('CorruptArchive');
  });
});
