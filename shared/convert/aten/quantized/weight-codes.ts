/**
 * Codes of stored weights, by the arithmetic PyTorch uses: rounding differs from ONNX's where a weight lies half way
 * between codes.
 */
import { bytesOf, channelsOf, codeArray, hasCodeArray, quantizeByInverse } from '../../../tensor/arithmetic.ts';
import { derivedData, type TensorData } from '../../../tensor/data.ts';
import type { Dtype } from '../../../tensor/dtype.ts';
import { decodeNumbers, encodeNumbers } from '../../../tensor/numbers.ts';
import { type QParams, scaleAxis } from '../../../tensor/qparams.ts';

export interface CodeRange {
  readonly quant_min: number;
  readonly quant_max: number;
  readonly dtype: Dtype;
}

/** `number`: the scale in double precision, when the file has it as a number. */
type StoredQParams = Omit<QParams, 'dtype'> & { readonly number: number | null };

/** `clamp(round(w * (1 / scale)) + zero point)`; computed when the file is written. */
export function codesOf(w: TensorData, qparams: StoredQParams, range: CodeRange): TensorData {
  const { scale, zeroPoint, number } = qparams;
  const { dtype, quant_min: low, quant_max: high } = range;
  // Against a float64 scale the products are float64, else float32.
  const isDouble = scale.dtype === 'float64' && number === null;
  const channels = channelsOf(w.shape, scaleAxis(qparams.granularity));
  return derivedData(
    { dtype, shape: w.shape },
    [w, scale, ...(zeroPoint ? [zeroPoint] : [])],
    (weights, scales, zeros) => {
      const numbers = decodeNumbers(w.dtype, weights!);
      const inverse =
        number === null ? inverses(decodeNumbers(scale.dtype, scales!), { isDouble }) : [Math.fround(1 / number)];
      const zero = zeros ? decodeNumbers(zeroPoint!.dtype, zeros) : new Float64Array(inverse.length);
      const params = { channels, scale: inverse, zeroPoint: zero, low, high, isDouble };
      return hasCodeArray(dtype)
        ? bytesOf(quantizeByInverse(codeArray(dtype, numbers.length), numbers, params))
        : encodeNumbers(dtype, quantizeByInverse(new Float64Array(numbers.length), numbers, params));
    },
  );
}

const inverses = (scales: Float64Array, { isDouble }: { readonly isDouble: boolean }): Float64Array | Float32Array =>
  isDouble ? scales.map((s) => 1 / s) : Float32Array.from(scales, (s) => 1 / s);
