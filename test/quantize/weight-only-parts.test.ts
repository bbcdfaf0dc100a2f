/** A matrix that is larger than a part of it in memory: the same codes, and never more than a part is read. */
import { expect, test } from 'vitest';
import { DEFAULT_WEIGHT_ONLY } from '../../shared/choices.ts';
import { byteSource } from '../../shared/bytes/byte-source.ts';
import { Value } from '../../shared/onnx/ir.ts';
import type { PlanOf } from '../../shared/quantize/plan.ts';
import { ALGORITHMS } from '../../shared/quantize/weight-only/algorithms.ts';
import { fitBlocks, layoutOf } from '../../shared/quantize/weight-only/fit-blocks.ts';
import { bytesOf } from '../../shared/tensor/arithmetic.ts';
import { storedData } from '../../shared/tensor/data.ts';

const MIB = 2 ** 20;
/** 18 and 19 MiB: the last block is a short one where blocks go along the second axis. */
const [ROWS, COLUMNS] = [2112, 2300];
const values = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => Math.sin(i * 0.7) * (1 + (i % 13)));

test.each([
  ['along rows', 1],
  ['along columns', 0],
] as const)('blocks %s (axis %i)', async (_, axis) => {
  let largest = 0;
  const bytes = bytesOf(values);
  const source = byteSource('weights', bytes.byteLength, (start, end) => {
    largest = Math.max(largest, end - start);
    return Promise.resolve(bytes.subarray(start, end));
  });
  const spec = DEFAULT_WEIGHT_ONLY;
  const weight: PlanOf<'blocked'> = {
    kind: 'blocked',
    value: new Value('w', null),
    data: storedData('float32', [ROWS, COLUMNS], source),
    spec,
    dtype: 'uint4',
    granularity: { kind: 'block', axis, size: spec.blockSize },
  };
  const found = await fitBlocks(weight, null);
  const whole = ALGORITHMS[spec.algorithm].fit({
    values,
    layout: layoutOf(weight),
    codes: { high: 15, symmetric: false },
  });
  expect(largest).toBeLessThanOrEqual(16 * MIB);
  expect(Buffer.compare(found.codes, whole.codes)).toBe(0);
  expect(found.scale).toEqual(whole.scale);
  expect(found.zeroPoint).toEqual(whole.zeroPoint);
});
