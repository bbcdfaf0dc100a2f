/** Fake quantization: quantize and dequantize in one operator. */
import { type Dtype, isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import {
  channelQParams,
  dequantized,
  numberQParams,
  quantized,
  rounded,
  type StoredQParams,
  tensorQParams,
} from './quantized.ts';
import type { CodeRange as Range } from './weight-codes.ts';

/** The codes fake quantization stands for: the smallest type that holds the range; int32 is computed step by step. */
const codesFor = ({ quant_min, quant_max }: Omit<Range, 'dtype'>): Dtype =>
  quant_min >= 0 && quant_max <= 255 ? 'uint8' : quant_min >= -128 && quant_max <= 127 ? 'int8' : 'int32';

function fakeQuantized(op: AtenBuilder, self: Value, qparams: StoredQParams, limits: Omit<Range, 'dtype'>): Value {
  if (qparams.zeroPoint && isFloat(dtypeOf(qparams.zeroPoint)))
    op.aten.refuse('zero_point', dtypeOf(qparams.zeroPoint), 'whole numbers');
  const range = { ...limits, dtype: codesFor(limits) };
  return dequantized(op, quantized(op, self, qparams, range), qparams, dtypeOf(self));
}
/** Where the value was inside the range: needed by gradients only, but an output. */
function inside(
  op: AtenBuilder,
  self: Value,
  qparams: StoredQParams,
  { quant_min, quant_max }: Omit<Range, 'dtype'>,
): Value {
  const free = rounded(op, cast(op, self, 'float32'), qparams, {
    quant_min: -Infinity,
    quant_max: Infinity,
    dtype: 'int32',
  });
  return op.And([
    op.GreaterOrEqual([free, op.scalar('float32', quant_min)]),
    op.LessOrEqual([free, op.scalar('float32', quant_max)]),
  ]);
}
const both = (op: AtenBuilder, self: Value, qparams: StoredQParams, limits: Omit<Range, 'dtype'>): Value[] => [
  fakeQuantized(op, self, qparams, limits),
  inside(op, self, qparams, limits),
];

const perTensor = (
  op: AtenBuilder,
  a: { scale: number; zero_point: number; quant_min: number; quant_max: number },
): StoredQParams => numberQParams(op, a.scale, a.zero_point, codesFor(a));
const perChannel = (
  op: AtenBuilder,
  a: { self: Value; scale: Value; zero_point: Value; axis: number },
): StoredQParams => channelQParams(op, a.self, { scales: a.scale, zero_points: a.zero_point, axis: a.axis });
export const fakeQuantize: OpConverter[] = [
  ...aten(
    'aten::fake_quantize_per_tensor_affine(Tensor self, float scale, int zero_point, int quant_min, int quant_max) -> Tensor',
    (op, a) => fakeQuantized(op, a.self, perTensor(op, a), a),
  ),
  ...aten(
    'aten::fake_quantize_per_tensor_affine.tensor_qparams(Tensor self, Tensor scale, Tensor zero_point, int quant_min, int quant_max) -> Tensor',
    (op, a) => fakeQuantized(op, a.self, tensorQParams(op, a.scale, a.zero_point), a),
  ),
  ...aten(
    'aten::fake_quantize_per_tensor_affine_cachemask(Tensor self, float scale, int zero_point, int quant_min, int quant_max) -> (Tensor output, Tensor mask)',
    (op, a) => both(op, a.self, perTensor(op, a), a),
  ),
  ...aten(
    'aten::fake_quantize_per_channel_affine(Tensor self, Tensor scale, Tensor zero_point, int axis, int quant_min, int quant_max) -> Tensor',
    (op, a) => fakeQuantized(op, a.self, perChannel(op, a), a),
  ),
  ...aten(
    'aten::fake_quantize_per_channel_affine_cachemask(Tensor self, Tensor scale, Tensor zero_point, int axis, int quant_min, int quant_max) -> (Tensor output, Tensor mask)',
    (op, a) => both(op, a.self, perChannel(op, a), a),
  ),
  ...aten(
    'quantized_decomposed::fake_quant_per_channel(Tensor input, Tensor scales, Tensor zero_points, int axis, int quant_min, int quant_max) -> Tensor',
    (op, a) => fakeQuantized(op, a.input, channelQParams(op, a.input, a), a),
  ),
];
