/** Integer weights of a PT2E program: constants of codes, or float weights that the program quantizes itself. */

import { channelsOf, roundHalfEven } from '../../tensor/arithmetic.ts';
import { derivedData, type TensorData } from '../../tensor/data.ts';
import { decodeNumbers, encodeNumbers } from '../../tensor/numbers.ts';
import type { QParams } from '../../tensor/qparams.ts';

export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Codes of a float weight, by PyTorch's formula: `clamp(round(w * (1 / scale)) + zero_point)`, in float32. */
export function quantizedByProgram(
  weight: TensorData,
  { dtype, granularity, scale, zeroPoint }: QParams,
  range: Range,
): TensorData {
  const axis = granularity.kind === 'axis' ? granularity.axis : null;
  const { outer, channels, inner } = channelsOf(weight.shape, axis);
  return derivedData({ dtype, shape: weight.shape }, [weight, scale, zeroPoint!], (bytes, scaleBytes, zeroBytes) => {
    const values = decodeNumbers(weight.dtype, bytes!);
    const inverse = decodeNumbers(scale.dtype, scaleBytes!).map((s) => Math.fround(1 / s));
    const zeros = decodeNumbers(zeroPoint!.dtype, zeroBytes!);
    const codes = new Float64Array(values.length);
    for (let o = 0, i = 0; o < outer; o++) {
      for (let c = 0; c < channels; c++) {
        for (const end = i + inner; i < end; i++) {
          const code = roundHalfEven(Math.fround(values[i]! * inverse[c]!)) + zeros[c]!;
          codes[i] = Math.min(Math.max(code, range.low), range.high);
        }
      }
    }
    return encodeNumbers(dtype, codes);
  });
}
