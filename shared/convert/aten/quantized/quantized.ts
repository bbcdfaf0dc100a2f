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
import { axisOf, rankOf, reshape, shapeOf, staticSizes } from '../../shape.ts';
import { codesOf, type CodeRange } from './weight-codes.ts';

/** Scale and zero point: scalars, or one for each index along an axis. */
interface StoredQParams extends QParamValues {
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

function quantized(op: AtenBuilder, input: Value, qparams: StoredQParams, range: Range): Value {
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
function rounded(op: AtenBuilder, x: Value, qparams: StoredQParams, { quant_min, quant_max }: Range): Value {
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

function dequantized(op: AtenBuilder, codes: Value, qparams: StoredQParams, to: Dtype | null): Value {
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

const numberQParams = (op: AtenBuilder, scale: number, zero: number, dtype: Dtype): StoredQParams => ({
  scale: op.scalar('float32', scale),
  zeroPoint: op.scalar(fits(zero, dtype) ? dtype : 'int64', zero),
  granularity: PER_TENSOR,
  number: scale,
});
const fits = (zero: number, dtype: Dtype): boolean =>
  !isFloat(dtype) && zero >= Number(integerRange(dtype)[0]) && zero <= Number(integerRange(dtype)[1]);
const tensorQParams = (op: AtenBuilder, scale: Value, zero: Value): StoredQParams => ({
  scale: asScalar(op, stored(op, scale, 'float32')),
  zeroPoint: asScalar(op, zero),
  granularity: PER_TENSOR,
  number: null,
});
const channelQParams = (
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
