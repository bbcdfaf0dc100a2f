/** Types as test tables write them: `float32[b,3,s + 4]`. */
import { addDims, type Dim, dimText, symbol } from '../../../shared/tensor/dim.ts';
import type { Dtype } from '../../../shared/tensor/dtype.ts';
import type { TensorType } from '../../../shared/tensor/type.ts';
import { isUnknownDim } from '../../../shared/onnx/unknown-dim.ts';

/** A number, a symbol, or a sum of them. */
export const dimOf = (text: string): Dim =>
  addDims(...text.split('+').map((part) => (/^\d+$/.test(part.trim()) ? Number(part) : symbol(part.trim()))));

export function typeOf(text: string): TensorType {
  const [, dtype, dims] = /^(\w+)\[(.*)\]$/.exec(text)!;
  return { dtype: dtype as Dtype, shape: dims === '' ? [] : dims!.split(',').map(dimOf) };
}

/** As `typeText`, with `?` for unknown sizes. */
export const shown = (type: TensorType | null): string | null =>
  type && `${type.dtype}[${type.shape.map((d) => (isUnknownDim(d) ? '?' : dimText(d))).join(',')}]`;
