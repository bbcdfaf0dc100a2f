/** A quantized tensor of a torch.save file as codes with scale and zero point. */
import { fail } from '../../errors.ts';
import { derivedData, memoryData, type TensorData } from '../../tensor/data.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import { decodeNumbers, encodeNumbers } from '../../tensor/numbers.ts';
import { type CodeDtype, CODES, type QParams } from '../../tensor/qparams.ts';
import type { QuantizedTensor } from '../quantized-weights.ts';
import type { Quantizer, SavedTensor } from '../saved-tensor.ts';

export interface TensorPlace {
  readonly file: string;
  /** The tensor, for messages. */
  readonly name: string;
}

const isCode = (dtype: Dtype): dtype is CodeDtype => Object.hasOwn(CODES, dtype);

export const isQuantized = (tensor: SavedTensor): boolean => tensor.quantizer !== null;

/** Codes stay where they are; scales and zero points become float32 and the dtype of the codes. */
export function quantizedTensor(tensor: SavedTensor, place: TensorPlace): QuantizedTensor {
  const refuse = refusal(place);
  const { quantizer, dtype } = tensor;
  if (!quantizer) return refuse('it is not quantized');
  if (!isCode(dtype)) return refuse(`codes of ${dtype} are no codes of PyTorch`);
  return { codes: tensor.codes(place.name), qparams: qparamsOf({ tensor, quantizer, dtype, place }) };
}

const refusal =
  ({ file, name }: TensorPlace) =>
  (reason: string): never =>
    fail('CorruptModel', { file, where: `quantized tensor "${name}"`, reason });

interface Request {
  readonly tensor: SavedTensor;
  readonly quantizer: Quantizer;
  readonly dtype: CodeDtype;
  readonly place: TensorPlace;
}

function qparamsOf({ tensor, quantizer, dtype, place }: Request): QParams {
  const refuse = refusal(place);
  const zeros = zeroPointsIn(dtype, refuse);
  if (quantizer.scheme === 'per_tensor_affine') {
    const single = (to: Dtype, value: number, check: Check): TensorData =>
      memoryData(to, [], encodeNumbers(to, checked([value], check)));
    return {
      dtype,
      granularity: { kind: 'tensor' },
      scale: single('float32', quantizer.scale, scalesIn(refuse)),
      zeroPoint: single(dtype, quantizer.zeroPoint, zeros),
    };
  }
  const { axis, scales, zeroPoints } = quantizer;
  const channels = Number.isInteger(axis) && axis >= 0 ? tensor.shape[axis] : undefined;
  if (channels === undefined) return refuse(`axis ${axis} is none of its ${tensor.shape.length}`);
  const many = (values: SavedTensor | readonly number[], to: Dtype, check: Check): TensorData => {
    const data = Array.isArray(values)
      ? numbersOf(values as readonly number[])
      : (values as SavedTensor).plain(place.name);
    if (data.shape.length !== 1 || data.shape[0] !== channels)
      return refuse(`it has ${channels} channels, but numbers for [${data.shape.join(',')}]`);
    return converted(data, to, check);
  };
  // The marker says per_channel_affine for both; only float_qparams has fractional zero points.
  const isFractional = !Array.isArray(zeroPoints) && (zeroPoints as SavedTensor).dtype.startsWith('float');
  return {
    dtype,
    granularity: { kind: 'axis', axis },
    scale: many(scales, 'float32', scalesIn(refuse)),
    zeroPoint: isFractional ? many(zeroPoints, 'float32', finiteIn(refuse)) : many(zeroPoints, dtype, zeros),
  };
}

type Check = (value: number) => unknown;
type Refuse = (reason: string) => never;

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

const numbersOf = (values: readonly number[]): TensorData =>
  memoryData('float64', [values.length], encodeNumbers('float64', values));

/** At once where the numbers are in memory already, so that a damaged file is refused at the door. */
function converted(data: TensorData, to: Dtype, check: Check): TensorData {
  const convert = (bytes: Uint8Array): Uint8Array =>
    encodeNumbers(to, checked(decodeNumbers(data.dtype, bytes), check));
  return data.memory ? memoryData(to, data.shape, convert(data.memory)) : derivedData(to, data.shape, [data], convert);
}
