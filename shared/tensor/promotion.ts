/** PyTorch's type promotion of element types: torch.promote_types, and how ranks of operands combine. */
import { type Dtype, DTYPES, isComplex, isFloat, isInteger } from './dtype.ts';

const FLOAT_BITS: Partial<Record<Dtype, number>> = { float16: 16, bfloat16: 16, float32: 32, float64: 64 };
const COMPLEX_OF: Partial<Record<Dtype, Dtype>> = {
  float16: 'complex32',
  bfloat16: 'complex64',
  float32: 'complex64',
  float64: 'complex128',
};
const REAL_OF: Partial<Record<Dtype, Dtype>> = { complex32: 'float16', complex64: 'float32', complex128: 'float64' };
const WIDER: Partial<Record<Dtype, Dtype>> = { uint8: 'int16', uint16: 'int32', uint32: 'int64' };

/** torch.promote_types. */
export function promoteTypes(a: Dtype, b: Dtype): Dtype {
  if (a === b) return a;
  if (isComplex(a) || isComplex(b)) {
    const real = promoteTypes(REAL_OF[a] ?? a, REAL_OF[b] ?? b);
    return COMPLEX_OF[isFloat(real) ? real : (REAL_OF[a] ?? REAL_OF[b])!] ?? 'complex64';
  }
  if (isFloat(a) && isFloat(b)) {
    const [x, y] = [FLOAT_BITS[a] ?? 8, FLOAT_BITS[b] ?? 8];
    return x === y ? 'float32' : x > y ? a : b;
  }
  if (isFloat(a) || b === 'bool') return a;
  if (isFloat(b) || a === 'bool') return b;
  return promoteIntegers(a, b);
}

function promoteIntegers(a: Dtype, b: Dtype): Dtype {
  if (DTYPES[a].kind === DTYPES[b].kind) return DTYPES[a].bits >= DTYPES[b].bits ? a : b;
  const [signed, unsigned] = DTYPES[a].kind === 'int' ? [a, b] : [b, a];
  return DTYPES[signed].bits > DTYPES[unsigned].bits ? signed : (WIDER[unsigned] ?? 'float32');
}

/** bool, integer, real, complex. */
export const category = (dtype: Dtype): number =>
  isComplex(dtype) ? 3 : isFloat(dtype) ? 2 : isInteger(dtype) ? 1 : 0;

/** A higher rank gives way only to a higher kind of number: a 0-d float64 does not widen float32[3]. */
export function combineTypes(higher: Dtype | null, lower: Dtype | null): Dtype | null {
  if (higher === null || lower === null) return higher ?? lower;
  if (category(lower) <= category(higher)) return higher;
  return category(lower) === 3 || category(higher) === 0 ? promoteTypes(higher, lower) : lower;
}
