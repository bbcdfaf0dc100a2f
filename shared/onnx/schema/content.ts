/** Integer elements that are known while the graph is built. */
import type { TensorData } from '../../tensor/data.ts';
import { type Dim, isStatic } from '../../tensor/dim.ts';
import { type Dtype, DTYPES, isFloat, isInteger } from '../../tensor/dtype.ts';
import { decodeBigInts, decodeInts, decodeNumbers } from '../../tensor/numbers.ts';
import type { TensorType } from '../../tensor/type.ts';
import type { OpCall } from './row.ts';

/** Largest integer tensor whose elements are followed as dimensions. */
export const CONTENT_LIMIT = 64;

/** The elements of a small integer or boolean constant; null when one is beyond 2^53. */
export function contentOf(data: TensorData): readonly Dim[] | null {
  if (!data.memory || data.shape.length > 1 || (data.shape[0] ?? 1) > CONTENT_LIMIT) return null;
  const isPlain = (isInteger(data.dtype) && DTYPES[data.dtype].bits >= 8) || data.dtype === 'bool';
  return isPlain ? decodeInts(data.dtype, data.memory) : null;
}

/**
 * Elements that may be followed: narrower types wrap around, and numbers beyond their type's range do not stay exact.
 */
export function followed(type: TensorType | null, content: readonly Dim[] | null | undefined): readonly Dim[] | null {
  if (!content || content.length > CONTENT_LIMIT || !type) return null;
  if (type.dtype === 'bool') return content.every((d) => d === 0 || d === 1) ? content : null;
  const limit = LARGEST[type.dtype];
  return limit !== undefined && content.every((d) => !isStatic(d) || Math.abs(d) <= limit) ? content : null;
}
const LARGEST: Partial<Record<Dtype, number>> = { int64: Number.MAX_SAFE_INTEGER, int32: 2 ** 31 - 1 };

/** As the content of an input, with numbers beyond 2^53 (an open end is written as the largest int64) as infinities. */
export function boundsOf(call: OpCall, index: number): readonly Dim[] | null {
  const content = call.content(index);
  const data = call.inputs[index]?.data;
  if (content || !data?.memory || !isInteger(data.dtype) || data.shape.length > 1) return content;
  return decodeBigInts(data.dtype, data.memory).map((n) =>
    BigInt.asIntN(53, n) === n ? Number(n) : n > 0n ? Infinity : -Infinity,
  );
}

/** The numbers of a float constant, for sizes that are computed from scales. */
export function floatsOf(call: OpCall, index: number): readonly number[] | null {
  const data = call.inputs[index]?.data;
  return data?.memory && isFloat(data.dtype) ? [...decodeNumbers(data.dtype, data.memory)] : null;
}
