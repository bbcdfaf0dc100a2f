/** Quantization of rows, and of groups of neighbours in a row, by qparams of their own. */
import type { Dtype } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { reshape, shapeOf, staticSizes } from '../../shape.ts';
import type { CodeRange as Range } from './weight-codes.ts';

interface RowQuantization {
  readonly scales: Value;
  readonly zeros: Value;
  readonly range: Range;
}

/** Rows of their own qparams: scales and zero points broadcast against the tensor. */
function rowsQuantized(op: AtenBuilder, x: Value, { scales, zeros, range }: RowQuantization): Value {
  const steps = op.Add([op.Mul([x, op.Reciprocal([cast(op, scales, dtypeOf(x))])]), cast(op, zeros, dtypeOf(x))]);
  return cast(
    op,
    op.Clip([op.Round([steps]), op.scalar(dtypeOf(x), range.quant_min), op.scalar(dtypeOf(x), range.quant_max)]),
    range.dtype,
  );
}
interface RowDequantization {
  readonly scales: Value;
  readonly zeros: Value | null;
  readonly to: Dtype;
}

const rowsDequantized = (op: AtenBuilder, codes: Value, { scales, zeros, to }: RowDequantization): Value => {
  const x = cast(op, codes, 'float32');
  return cast(op, op.Mul([zeros ? op.Sub([x, cast(op, zeros, 'float32')]) : x, cast(op, scales, 'float32')]), to);
};
export const quantize_per_token = aten(
  'quantized_decomposed::quantize_per_token(Tensor input, Tensor scales, Tensor zero_points, int quant_min, int quant_max, ScalarType dtype) -> Tensor',
  (op, a) => rowsQuantized(op, cast(op, a.input, 'float32'), { scales: a.scales, zeros: a.zero_points, range: a }),
);
export const dequantize_per_token = aten(
  'quantized_decomposed::dequantize_per_token(Tensor input, Tensor scales, Tensor zero_points, int quant_min, int quant_max, ScalarType dtype, ScalarType output_dtype) -> Tensor',
  (op, a) => rowsDequantized(op, a.input, { scales: a.scales, zeros: a.zero_points, to: a.output_dtype }),
);

/** Groups of neighbours in a row as rows of their own. */
function grouped(op: AtenBuilder, x: Value, size: number): Value {
  const [rows, columns] = staticSizes(op, x, 'size with groups') as [number, number];
  if (columns % size !== 0) op.aten.refuse('group_size', size, `a divisor of ${columns}`);
  return reshape(op, x, [(rows * columns) / size, size]);
}
const columnOf = (op: AtenBuilder, x: Value): Value =>
  reshape(op, x, [staticSizes(op, x, 'size of the scales').reduce((n, d) => n * d, 1), 1]);
/** One group, when a row has one scale and is shorter than a group. */
const groupSize = (x: Value, scales: Value, size: number): number => {
  const columns = shapeOf(x)[1];
  return typeof columns === 'number' && size > columns && shapeOf(scales).at(-1) === 1 ? columns : size;
};
export const quantize_per_channel_group = aten(
  'quantized_decomposed::quantize_per_channel_group(Tensor input, Tensor scales, Tensor zero_points, int quant_min, int quant_max, ScalarType dtype, int group_size) -> Tensor',
  (op, a) =>
    reshape(
      op,
      rowsQuantized(op, grouped(op, cast(op, a.input, 'float32'), groupSize(a.input, a.scales, a.group_size)), {
        scales: columnOf(op, a.scales),
        zeros: columnOf(op, a.zero_points),
        range: a,
      }),
      shapeOf(a.input),
    ),
);
export const dequantize_per_channel_group = aten(
  'quantized_decomposed::dequantize_per_channel_group(Tensor input, Tensor scales, Tensor? zero_points, int quant_min, int quant_max, ScalarType dtype, int group_size, ScalarType output_dtype) -> Tensor',
  (op, a) =>
    reshape(
      op,
      rowsDequantized(op, grouped(op, a.input, groupSize(a.input, a.scales, a.group_size)), {
        scales: columnOf(op, a.scales),
        zeros: a.zero_points && columnOf(op, a.zero_points),
        to: a.output_dtype,
      }),
      shapeOf(a.input),
    ),
);
