/** How a result is held against PyTorch's: the one measuring stick of corpora and recorded cases. */
import { type Dtype, isFloat } from '../shared/tensor/dtype.ts';
import { decodeBigInts, decodeNumbers } from '../shared/tensor/numbers.ts';

export const HOW_COMPARED =
  'integers and booleans are compared exactly; NaN, infinities and signs of zero by position; other floats within ' +
  'the tolerance of their case';

export interface Numbers {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
  /** `unsigned`: where the sign of a zero is that of a rounding, or onnxruntime's kernel loses it. */
  readonly zeros?: 'signed' | 'unsigned';
}

/** What differs first, or null. */
export function disagreement(actual: Numbers, expected: Numbers, tolerance: Tolerance): string | null {
  if (actual.shape.join() !== expected.shape.join())
    return `shape [${actual.shape}], PyTorch gives [${expected.shape}]`;
  return isFloat(expected.dtype) ? unequalFloats(actual, expected, tolerance) : unequalIntegers(actual, expected);
}

/** As 64-bit integers: float64 would take 2^53 + 1 for 2^53. */
function unequalIntegers(actual: Numbers, expected: Numbers): string | null {
  if (isFloat(actual.dtype)) return `${actual.dtype}, PyTorch gives ${expected.dtype}`;
  const [a, b] = [decodeBigInts(actual.dtype, actual.bytes), decodeBigInts(expected.dtype, expected.bytes)];
  const at = a.findIndex((x, i) => x !== b[i]);
  return at < 0 ? null : `element ${at} is ${a[at]}, PyTorch gives ${b[at]}`;
}

const text = (x: number): string => (Object.is(x, -0) ? '-0' : String(x));

function unequalFloats(actual: Numbers, expected: Numbers, { rtol, atol, zeros }: Tolerance): string | null {
  const [a, b] = [decodeNumbers(actual.dtype, actual.bytes), decodeNumbers(expected.dtype, expected.bytes)];
  let [worst, at, misplaced] = [0, 0, -1];
  a.forEach((x, i) => {
    const y = b[i]!;
    if (Object.is(x, y) || (x === y && zeros === 'unsigned')) return;
    const difference = Math.abs(x - y);
    // An infinite PyTorch result has an infinite tolerance: only the same one will do. Two zeros must have one sign.
    if (!Number.isFinite(x) || !Number.isFinite(y) || difference === 0) misplaced = misplaced < 0 ? i : misplaced;
    else if (difference > atol + rtol * Math.abs(y) && difference > worst) [worst, at] = [difference, i];
  });
  if (misplaced >= 0) return `element ${misplaced} is ${text(a[misplaced]!)}, PyTorch gives ${text(b[misplaced]!)}`;
  return worst === 0 ? null : `differs by ${worst} at element ${at} (rtol ${rtol}, atol ${atol})`;
}
