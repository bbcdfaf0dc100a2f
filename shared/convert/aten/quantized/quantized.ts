/**
 * Quantize, dequantize and fake quantize: ONNX's QuantizeLinear and DequantizeLinear, so that quantized programs stay
 * quantized.
 */
import { derivedData, memoryData } from '../../../tensor/data.ts';
import { type Dtype, integerRange, isFloat } from '../../../tensor/dtype.ts';
import { PER_TENSOR, perAxis, scaleAxis } from '../../../tensor/qparams.ts';
import { decodeNumbers, encodeNumbers } from '../../../tensor/numbers.ts';
import type { Value } from '../../../onnx/ir.ts';
import { granularityAttributes, type QParamValues } from '../../../onnx/qparam-values.ts';
import { nameMadeFrom } from '../../../onnx/passes/name-values.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { axisOf, rankOf, reshape, shapeOf } from '../../shape.ts';
import { codesOf, type CodeRange } from './weight-codes.ts';

/** Scale and zero point: scalars, or one for each index along an axis. */
export interface StoredQParams extends QParamValues {
  /** The scale in double precision, when the file has it as a number. */
  readonly number: number | null;
}
type Range = CodeRange;

/**
 * Small stored tensors in another type, as initializers: onnxruntime fuses quantized operators only with constant
 * scales.
 */
function stored(op: AtenBuilder, value: Value, dtype: Dtype): Value {
  const { data } = value;
  if (!data || dtypeOf(value) === dtype) return cast(op, value, dtype);
  const retyped = (bytes: Uint8Array): Uint8Array => encodeNumbers(dtype, decodeNumbers(data.dtype, bytes));
  return op.constant(
    data.memory
      ? memoryData(dtype, data.shape, retyped(data.memory))
      : derivedData({ dtype, shape: data.shape }, [data], (bytes) => retyped(bytes!)),
    op.freshName('qparam'),
  );
}

/** A tensor of one element as a scalar. */
const asScalar = (op: AtenBuilder, x: Value): Value => (rankOf(x) === 0 ? x : reshape(op, x, []));

/** Codes ONNX can quantize to at this opset. */
const isCode = (op: AtenBuilder, dtype: Dtype): boolean =>
  dtype === 'int8' || dtype === 'uint8' || (op.opset >= 21 && (dtype === 'int16' || dtype === 'uint16'));

/** Scales and zero points in line with the axis they belong to. */
const aligned = (op: AtenBuilder, x: Value, rank: number, axis: number | null): Value =>
  axis === null
    ? x
    : reshape(
        op,
        x,
        Array.from({ length: rank }, (_, i) => (i === axis ? shapeOf(x)[0]! : 1)),
      );

/** `(code - zero point) * scale` for codes that a range narrower than the type still allows. */
const endOf = (op: AtenBuilder, code: number, { scale, zeroPoint }: StoredQParams): Value =>
  op.Mul([
    op.Sub([op.scalar('float32', code), zeroPoint ? cast(op, zeroPoint, 'float32') : op.scalar('float32', 0)]),
    scale,
  ]);

/** A narrower range than the type's: cut before quantizing, so that quantize and dequantize stay neighbours. */
function clipped(op: AtenBuilder, x: Value, qparams: StoredQParams, { quant_min, quant_max, dtype }: Range): Value {
  const [low, high] = integerRange(dtype).map(Number) as [number, number];
  const line = (code: number): Value =>
    aligned(op, endOf(op, code, qparams), rankOf(x), scaleAxis(qparams.granularity));
  const above = quant_min > low ? op.Max([x, line(quant_min)]) : x;
  return quant_max < high ? op.Min([above, line(quant_max)]) : above;
}

export function quantized(op: AtenBuilder, input: Value, qparams: StoredQParams, range: Range): Value {
  if (input.data && qparams.scale.data && (!qparams.zeroPoint || qparams.zeroPoint.data))
    return weightCodes(op, input, qparams, range);
  const x = cast(op, input, 'float32');
  if (!isCode(op, range.dtype)) return cast(op, rounded(op, x, qparams, range), range.dtype);
  const zero = qparams.zeroPoint ? stored(op, qparams.zeroPoint, range.dtype) : op.scalar(range.dtype, 0);
  return op.QuantizeLinear(
    [clipped(op, x, qparams, range), qparams.scale, zero],
    granularityAttributes(qparams.granularity),
  );
}

const weightCodes = (
  op: AtenBuilder,
  w: Value,
  { scale, zeroPoint, granularity, number }: StoredQParams,
  range: Range,
): Value =>
  op.constant(
    codesOf(w.data!, { scale: scale.data!, zeroPoint: zeroPoint?.data ?? null, granularity, number }, range),
    nameMadeFrom(w.name, op, (name) => `${name}.codes`) ?? op.freshName('codes'),
  );

/** The codes as floats, for types that ONNX does not quantize to. */
export function rounded(op: AtenBuilder, x: Value, qparams: StoredQParams, { quant_min, quant_max }: Range): Value {
  const [scale, zero] = [
    aligned(op, qparams.scale, rankOf(x), scaleAxis(qparams.granularity)),
    qparams.zeroPoint && aligned(op, cast(op, qparams.zeroPoint, 'float32'), rankOf(x), scaleAxis(qparams.granularity)),
  ];
  const steps = op.Round([op.Mul([x, op.Reciprocal([scale])])]);
  return op.Clip([
    zero ? op.Add([steps, zero]) : steps,
    op.scalar('float32', quant_min),
    op.scalar('float32', quant_max),
  ]);
}

export function dequantized(op: AtenBuilder, codes: Value, qparams: StoredQParams, to: Dtype | null): Value {
  const dtype = dtypeOf(codes);
  const isStoredZero = !qparams.zeroPoint || !isFloat(dtypeOf(qparams.zeroPoint));
  const real =
    isCode(op, dtype) && isStoredZero
      ? op.DequantizeLinear(
          [codes, qparams.scale, qparams.zeroPoint && stored(op, qparams.zeroPoint, dtype)],
          granularityAttributes(qparams.granularity),
        )
      : shifted(op, codes, qparams);
  return cast(op, real, to ?? 'float32');
}

function shifted(op: AtenBuilder, codes: Value, qparams: StoredQParams): Value {
  const x = cast(op, codes, 'float32');
  const [scale, zero] = [
    aligned(op, qparams.scale, rankOf(x), scaleAxis(qparams.granularity)),
    qparams.zeroPoint && aligned(op, cast(op, qparams.zeroPoint, 'float32'), rankOf(x), scaleAxis(qparams.granularity)),
  ];
  return op.Mul([zero ? op.Sub([x, zero]) : x, scale]);
}

export const numberQParams = (op: AtenBuilder, scale: number, zero: number, dtype: Dtype): StoredQParams => ({
  scale: op.scalar('float32', scale),
  zeroPoint: op.scalar(fits(zero, dtype) ? dtype : 'int64', zero),
  granularity: PER_TENSOR,
  number: scale,
});
const fits = (zero: number, dtype: Dtype): boolean =>
  !isFloat(dtype) && zero >= Number(integerRange(dtype)[0]) && zero <= Number(integerRange(dtype)[1]);
export const tensorQParams = (op: AtenBuilder, scale: Value, zero: Value): StoredQParams => ({
  scale: asScalar(op, stored(op, scale, 'float32')),
  zeroPoint: asScalar(op, zero),
  granularity: PER_TENSOR,
  number: null,
});
export const channelQParams = (
  op: AtenBuilder,
  like: Value,
  { scales, zero_points, axis }: { scales: Value; zero_points: Value | null; axis: number },
): StoredQParams => ({
  scale: stored(op, scales, 'float32'),
  zeroPoint: zero_points,
  granularity: perAxis(axisOf(op, axis, rankOf(like))),
  number: null,
});

export const quantize_per_tensor: OpConverter[] = [
  ...aten(
    'quantized_decomposed::quantize_per_tensor(Tensor input, float scale, int zero_point, int quant_min, int quant_max, ScalarType dtype) -> Tensor',
    (op, a) => quantized(op, a.input, numberQParams(op, a.scale, a.zero_point, a.dtype), a),
  ),
  ...aten(
    'quantized_decomposed::quantize_per_tensor.tensor(Tensor input, Tensor scale, Tensor zero_point, int quant_min, int quant_max, ScalarType dtype) -> Tensor',
    (op, a) => quantized(op, a.input, tensorQParams(op, a.scale, a.zero_point), a),
  ),
];
export const dequantize_per_tensor: OpConverter[] = [
  ...aten(
    'quantized_decomposed::dequantize_per_tensor(Tensor input, float scale, int zero_point, int quant_min, int quant_max, ScalarType dtype, *, ScalarType? out_dtype=None) -> Tensor',
    (op, a) => dequantized(op, a.input, numberQParams(op, a.scale, a.zero_point, dtypeOf(a.input)), a.out_dtype),
  ),
  ...aten(
    'quantized_decomposed::dequantize_per_tensor.tensor(Tensor input, Tensor scale, Tensor zero_point, int quant_min, int quant_max, ScalarType dtype, *, ScalarType? out_dtype=None) -> Tensor',
    (op, a) => dequantized(op, a.input, tensorQParams(op, a.scale, a.zero_point), a.out_dtype),
  ),
];
export const quantize_per_channel = aten(
  'quantized_decomposed::quantize_per_channel(Tensor input, Tensor scales, Tensor zero_points, int axis, int quant_min, int quant_max, ScalarType dtype) -> Tensor',
  (op, a) => quantized(op, a.input, channelQParams(op, a.input, a), a),
);
export const dequantize_per_channel = aten(
  'quantized_decomposed::dequantize_per_channel(Tensor input, Tensor scales, Tensor? zero_points, int axis, int quant_min, int quant_max, ScalarType dtype, *, ScalarType? out_dtype=None) -> Tensor',
  (op, a) => dequantized(op, a.input, channelQParams(op, a.input, a), a.out_dtype),
);
