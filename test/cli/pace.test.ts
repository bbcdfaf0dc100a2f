/** How far a step is, in bytes and percent, with the time that went by and the time it still takes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { pacer } from '../../cli/pace.ts';
import type { Advance } from '../../shared/bytes/advance.ts';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { computedData } from '../../shared/tensor/data.ts';
import { typedModel } from '../onnx/typed.ts';

const writing = (done: number): Advance => ({ doing: 'writing', unit: 'bytes', done, of: 8e9 });

test('says bytes, percent, elapsed and remaining time, a quarter at a time', () => {
  let now = 1000;
  const pace = pacer(() => now);
  expect(pace(writing(1e9))).toEqual({ text: 'writing: 1.00 GB of 8.00 GB, 13 %', isQuarter: false });
  now += 20_000;
  expect(pace(writing(2e9))).toEqual({
    text: 'writing: 2.00 GB of 8.00 GB, 25 %, 20 s, 60 s left',
    isQuarter: true,
  });
  now += 280_000;
  expect(pace(writing(6e9))).toEqual({
    text: 'writing: 6.00 GB of 8.00 GB, 75 %, 5 min, 2 min left',
    isQuarter: true,
  });
  now += 100_000;
  expect(pace(writing(8e9))).toEqual({ text: 'writing: 8.00 GB of 8.00 GB, 100 %, 7 min', isQuarter: true });
});

test('another pass, or another work, begins anew', () => {
  let now = 0;
  const pace = pacer(() => now);
  const calibrating = (done: number): Advance => ({ doing: 'calibrating', unit: 'samples', done, of: 4 });
  pace(calibrating(4));
  now += 60_000;
  expect(pace(calibrating(1))).toEqual({ text: 'calibrating: 1 of 4 samples, 25 %', isQuarter: true });
  now += 60_000;
  expect(pace(writing(1)).text).toBe('writing: 1 B of 8.00 GB, 0 %');
});

test('a large file tells while it is written, up to its last byte; a small one says nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const model = typedModel(
    '<ir_version: 10, opset_import: ["": 21]> g (float[1] x) => (float[1] y) <float[1] w = {0}> { y = Add(x, w) }',
  );
  const told: Advance[] = [];
  const write = (name: string): Promise<unknown> =>
    writeModel(model, join(folder, name), { weights: 'embed', tell: (advance) => told.push(advance) });
  await write('small.onnx');
  expect(told).toEqual([]);
  const [weight] = model.graph.initializers;
  weight!.data = computedData({ dtype: 'uint8', shape: [2 ** 26] }, () => Promise.resolve(new Uint8Array(2 ** 26)));
  await write('large.onnx');
  const { done, of, unit } = told.at(-1)!;
  expect([unit, done, of > 2 ** 26]).toEqual(['bytes', of, true]);
});
