/** ATen operators that compute element by element. */
export * as activation from './activation.ts';
export * as arithmetic from './arithmetic.ts';
export * as asComplex from './as-complex.ts';
export * as bitShift from './bit-shift.ts';
export * as comparison from './comparison.ts';
export * as formulas from './formulas.ts';
export * as integers from './integers.ts';
export * as pointwise from './pointwise.ts';
