/** What is known of a tensor before it runs: element type and dimensions, where a dimension may be symbolic. */
import type { Dtype } from './dtype.ts';
import { type Dim, dimText, isStatic, sameDim } from './dim.ts';

export interface TensorType {
  readonly dtype: Dtype;
  readonly shape: readonly Dim[];
}

export const tensorType = (dtype: Dtype, shape: readonly Dim[]): TensorType => ({ dtype, shape });

export const sameType = (a: TensorType, b: TensorType): boolean =>
  a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((d, i) => sameDim(d, b.shape[i]!));

/** `float32[batch,3,224,224]`, the way a type is shown in messages, reports and text graphs. */
export const typeText = (type: TensorType): string => `${type.dtype}[${type.shape.map(dimText).join(',')}]`;

/** The shape as numbers, or null when a dimension is symbolic. */
export function staticShape(type: TensorType): number[] | null {
  return type.shape.every(isStatic) ? [...(type.shape as number[])] : null;
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Row-major strides, in elements. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i]!;
  }
  return strides;
}
