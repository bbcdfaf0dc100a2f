/** A quantized tensor of a torch.save file as codes with scale and zero point. */
import { memoryData, type TensorData } from '../../tensor/data.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import { encodeNumbers } from '../../tensor/numbers.ts';
import { type CodeDtype, CODES } from '../../tensor/qparams.ts';
import type { QuantizedTensor } from '../quantized-weights.ts';
import { SavedTensor } from '../saved-tensor.ts';
import { channelQParams, refusalAt, type TensorPlace, tensorQParams } from './checked-qparams.ts';

export const isCode = (dtype: Dtype): dtype is CodeDtype => Object.hasOwn(CODES, dtype);

export const isQuantized = (tensor: SavedTensor): boolean => tensor.quantizer !== null;

/** Codes stay where they are. The marker of fractional zero points is their type: the scheme is the same. */
export function quantizedTensor(tensor: SavedTensor, place: TensorPlace): QuantizedTensor {
  const refuse = refusalAt(place);
  const { quantizer, dtype, shape } = tensor;
  if (!quantizer) return refuse('it is not quantized');
  if (!isCode(dtype)) return refuse(`codes of ${dtype} are no codes of PyTorch`);
  const codes = tensor.codes(place.name);
  if (quantizer.scheme === 'per_tensor_affine')
    return { codes, qparams: tensorQParams({ dtype, scale: quantizer.scale, zeroPoint: quantizer.zeroPoint }, place) };
  const scales = numbersOf(quantizer.scales, 'float64', place);
  const zeroPoints = numbersOf(quantizer.zeroPoints, 'int64', place);
  return { codes, qparams: channelQParams({ dtype, shape, axis: quantizer.axis, scales, zeroPoints }, place) };
}

function numbersOf(values: SavedTensor | readonly number[], dtype: Dtype, place: TensorPlace): TensorData {
  if (values instanceof SavedTensor) return values.plain(place.name);
  if (dtype === 'int64' && !values.every(Number.isSafeInteger)) return refusalAt(place)('a zero point is no integer');
  return memoryData(dtype, [values.length], encodeNumbers(dtype, values));
}
