/** One scale and one zero point: as numbers for comparing, as qparams for the table. */
import { fail } from '../../errors.ts';
import { memoryData } from '../../tensor/data.ts';
import { decodeNumbers, encodeNumbers } from '../../tensor/numbers.ts';
import { CODES, type QParams } from '../../tensor/qparams.ts';
import type { Affine } from './quantized-model.ts';

export function checkedAffine(file: string, name: string, affine: Affine): Affine {
  const { dtype, scale, zeroPoint } = affine;
  const isCode = Number.isInteger(zeroPoint) && zeroPoint >= CODES[dtype].low && zeroPoint <= CODES[dtype].high;
  const isScale = Math.fround(scale) > 0 && Number.isFinite(Math.fround(scale));
  if (isCode && isScale) return affine;
  return fail('CorruptModel', {
    file,
    where: `"${name}"`,
    reason: `scale ${scale} with zero point ${zeroPoint} cannot be`,
  });
}

export const qparamsOf = ({ dtype, scale, zeroPoint }: Affine): QParams => ({
  dtype,
  granularity: { kind: 'tensor' },
  scale: memoryData('float32', [], encodeNumbers('float32', [scale])),
  zeroPoint: memoryData(dtype, [], encodeNumbers(dtype, [zeroPoint])),
});

/** null: one for each channel or block, or not in memory. */
export function affineOf({ dtype, granularity, scale, zeroPoint }: QParams): Affine | null {
  if (granularity.kind !== 'tensor' || !scale.memory || (zeroPoint && !zeroPoint.memory)) return null;
  const zero = zeroPoint ? decodeNumbers(zeroPoint.dtype, zeroPoint.memory!)[0]! : 0;
  return { dtype, scale: decodeNumbers(scale.dtype, scale.memory)[0]!, zeroPoint: zero };
}
