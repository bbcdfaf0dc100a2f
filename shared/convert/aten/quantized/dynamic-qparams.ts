/** Scales and zero points chosen while the model runs: dynamic quantization, as torch.ao computes it. */
import type { Dtype } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast } from '../../promote.ts';
import { rankOf, reshape, shapeOf } from '../../shape.ts';
import { reduce } from '../reduce/reduction.ts';

const num = (op: AtenBuilder, value: number): Value => op.scalar('float32', value);
const quotient = (op: AtenBuilder, x: Value, by: number): Value => op.Div([x, num(op, by)]);

/** The smallest and largest value, 0 included. */
function extent(op: AtenBuilder, x: Value): { low: Value; high: Value } {
  const all = shapeOf(x).map((_, i) => i);
  return {
    low: op.Min([reduce(op, 'ReduceMin', x, { axes: all }), num(op, 0)]),
    high: op.Max([reduce(op, 'ReduceMax', x, { axes: all }), num(op, 0)]),
  };
}

/** float64[1] and int64[1], as the operators are declared. */
const results = (op: AtenBuilder, scale: Value, zero: Value): Value[] => [
  reshape(op, cast(op, scale, 'float64'), [1]),
  reshape(op, cast(op, zero, 'int64'), [1]),
];

export const choose_qparams = aten(
  'quantized_decomposed::choose_qparams.tensor(Tensor input, int quant_min, int quant_max, float eps, ScalarType dtype) -> (Tensor, Tensor)',
  (op, { input, quant_min, quant_max, eps }) => {
    const { low, high } = extent(op, cast(op, input, 'float32'));
    const scale = op.Max([quotient(op, op.Sub([high, low]), quant_max - quant_min), num(op, eps)]);
    const zero = op.Clip([
      op.Sub([num(op, quant_min), op.Round([op.Div([low, scale])])]),
      num(op, quant_min),
      num(op, quant_max),
    ]);
    return results(op, scale, zero);
  },
);

export const choose_qparams_symmetric = aten(
  'quantized_decomposed::choose_qparams_symmetric.tensor(Tensor input, int quant_min, int quant_max, float eps, ScalarType dtype) -> (Tensor, Tensor)',
  (op, { input, quant_min, quant_max, eps, dtype }) => {
    const { low, high } = extent(op, cast(op, input, 'float32'));
    const scale = op.Max([quotient(op, op.Max([op.Neg([low]), high]), (quant_max - quant_min) / 2), num(op, eps)]);
    return results(op, scale, op.scalar('int64', dtype === 'uint8' ? 128 : 0));
  },
);

const alongRow = (op: AtenBuilder, how: 'ReduceMin' | 'ReduceMax', x: Value): Value =>
  reduce(op, how, x, { axes: [rankOf(x) - 1], keepdim: true });
export const choose_qparams_per_token = aten(
  'quantized_decomposed::choose_qparams_per_token(Tensor input, ScalarType dtype) -> (Tensor, Tensor)',
  (op, { input, dtype }) => {
    requireInt8(op, dtype);
    const x = cast(op, input, 'float32');
    const scales = quotient(op, op.Max([alongRow(op, 'ReduceMax', op.Abs([x])), num(op, 1e-5)]), 127);
    // The file records the types of the asymmetric form.
    return [cast(op, scales, 'float64'), cast(op, op.Sub([scales, scales]), 'int64')];
  },
);

const requireInt8 = (op: AtenBuilder, dtype: Dtype): void => {
  if (dtype !== 'int8') op.aten.refuse('dtype', dtype, 'int8');
};
const FLOAT_EPSILON = 2 ** -23;
export const choose_qparams_per_token_asymmetric = aten(
  [
    'quantized_decomposed::choose_qparams_per_token_asymmetric(Tensor input, ScalarType dtype) -> (Tensor, Tensor)',
    'quantized_decomposed::_choose_qparams_per_token_asymmetric_impl(Tensor input, ScalarType dtype) -> (Tensor, Tensor)',
  ],
  (op, { input, dtype }) => {
    requireInt8(op, dtype);
    const x = cast(op, input, 'float32');
    const [low, high] = [
      op.Min([alongRow(op, 'ReduceMin', x), num(op, 0)]),
      op.Max([alongRow(op, 'ReduceMax', x), num(op, 0)]),
    ];
    const scale = op.Max([quotient(op, op.Sub([high, low]), 255), num(op, FLOAT_EPSILON)]);
    const [below, above] = [op.Div([low, scale]), op.Div([high, scale])];
    const errors = op.Add([op.Add([num(op, -128), below]), op.Add([num(op, 127), above])]);
    const zero = op.Where([
      op.Greater([errors, num(op, 0)]),
      op.Sub([num(op, -128), below]),
      op.Sub([num(op, 127), above]),
    ]);
    return [cast(op, scale, 'float64'), cast(op, op.Round([op.Clip([zero, num(op, -128), num(op, 127)])]), 'int64')];
  },
);
