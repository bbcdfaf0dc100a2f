/** ATen operators that take or give complex tensors. */
export * as complexArithmetic from './complex-arithmetic.ts';
export * as complexLayout from './complex-layout.ts';
export * as complex from './complex.ts';
