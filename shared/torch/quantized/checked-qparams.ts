/** Scales and zero points of a file, checked, in the types of the table: float32 and the dtype of the codes. */
import { fail } from '../../errors.ts';
import { derivedData, memoryData, type TensorData } from '../../tensor/data.ts';
import { type Dtype, isFloat } from '../../tensor/dtype.ts';
import { decodeNumbers, encodeNumbers } from '../../tensor/numbers.ts';
import { type CodeDtype, CODES, type QParams } from '../../tensor/qparams.ts';

export interface TensorPlace {
  readonly file: string;
  /** The tensor, for messages. */
  readonly name: string;
}

type Refuse = (reason: string) => never;

export const refusalAt =
  ({ file, name }: TensorPlace): Refuse =>
  (reason) =>
    fail('CorruptModel', { file, where: `quantized tensor "${name}"`, reason });

export interface TensorNumbers {
  readonly dtype: CodeDtype;
  readonly scale: number;
  readonly zeroPoint: number;
}

export function tensorQParams({ dtype, scale, zeroPoint }: TensorNumbers, place: TensorPlace): QParams {
  const refuse = refusalAt(place);
  const single = (to: Dtype, value: number, check: Check): TensorData =>
    memoryData(to, [], encodeNumbers(to, checked([value], check)));
  return {
    dtype,
    granularity: { kind: 'tensor' },
    scale: single('float32', scale, scalesIn(refuse)),
    zeroPoint: single(dtype, zeroPoint, zeroPointsIn(dtype, refuse)),
  };
}

export interface ChannelNumbers {
  readonly dtype: CodeDtype;
  /** Of the codes. */
  readonly shape: readonly number[];
  readonly axis: number;
  readonly scales: TensorData;
  /** Fractions (`float_qparams`) stay float32. */
  readonly zeroPoints: TensorData;
}

export function channelQParams(numbers: ChannelNumbers, place: TensorPlace): QParams {
  const { dtype, shape, axis, scales, zeroPoints } = numbers;
  const refuse = refusalAt(place);
  const channels = Number.isInteger(axis) && axis >= 0 ? shape[axis] : undefined;
  if (channels === undefined) return refuse(`axis ${axis} is none of its ${shape.length}`);
  const many = (data: TensorData, to: Dtype, check: Check): TensorData =>
    data.shape.length === 1 && data.shape[0] === channels
      ? converted(data, to, check)
      : refuse(`it has ${channels} channels, but numbers for [${data.shape.join(',')}]`);
  return {
    dtype,
    granularity: { kind: 'axis', axis },
    scale: many(scales, 'float32', scalesIn(refuse)),
    zeroPoint: isFloat(zeroPoints.dtype)
      ? many(zeroPoints, 'float32', finiteIn(refuse))
      : many(zeroPoints, dtype, zeroPointsIn(dtype, refuse)),
  };
}

type Check = (value: number) => unknown;

/** float32 decides: a scale that is 0 there divides by zero in PyTorch too. */
const scalesIn =
  (refuse: Refuse): Check =>
  (scale) =>
    (Math.fround(scale) > 0 && Number.isFinite(Math.fround(scale))) || refuse(`${scale} is no scale`);
const finiteIn =
  (refuse: Refuse): Check =>
  (zero) =>
    Number.isFinite(zero) || refuse(`${zero} is no zero point`);
function zeroPointsIn(dtype: CodeDtype, refuse: Refuse): Check {
  const { low, high } = CODES[dtype];
  return (zero) =>
    (Number.isInteger(zero) && zero >= low && zero <= high) || refuse(`${zero} is no zero point of ${dtype}`);
}

function checked<T extends ArrayLike<number>>(values: T, check: Check): T {
  for (let i = 0; i < values.length; i++) check(values[i]!);
  return values;
}

/** At once where the numbers are in memory already, so that a damaged file is refused at the door. */
function converted(data: TensorData, to: Dtype, check: Check): TensorData {
  const convert = (bytes: Uint8Array): Uint8Array =>
    encodeNumbers(to, checked(decodeNumbers(data.dtype, bytes), check));
  return data.memory
    ? memoryData(to, data.shape, convert(data.memory))
    : derivedData({ dtype: to, shape: data.shape }, [data], convert);
}
