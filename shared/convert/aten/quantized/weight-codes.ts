/**
 * Codes of stored weights, by the arithmetic PyTorch uses: rounding differs from ONNX's where a weight lies half way
 * between codes.
 */
import { roundHalfEven } from '../../../tensor/arithmetic.ts';
import { derivedData, type TensorData } from '../../../tensor/data.ts';
import type { Dtype } from '../../../tensor/dtype.ts';
import { decodeNumbers, encodeNumbers } from '../../../tensor/numbers.ts';

export interface CodeGrid {
  /** One number, or one for each index along `axis`. */
  readonly scale: TensorData;
  readonly zeroPoint: TensorData | null;
  readonly axis: number | null;
  /** The scale in double precision, when the file has it as a number. */
  readonly number: number | null;
}
export interface CodeRange {
  readonly quant_min: number;
  readonly quant_max: number;
  readonly dtype: Dtype;
}

/** `clamp(round(w * (1 / scale)) + zero point)`; computed when the file is written. */
export function codesOf(w: TensorData, grid: CodeGrid, range: CodeRange): TensorData {
  const from = [w, grid.scale, ...(grid.zeroPoint ? [grid.zeroPoint] : [])];
  return derivedData(range.dtype, w.shape, from, (weights, scales, zeros) => {
    const numbers = decodeNumbers(w.dtype, weights!);
    const own = decodeNumbers(grid.scale.dtype, scales!);
    // Against a float64 scale the products are float64, else float32.
    const rounded = grid.scale.dtype === 'float64' && grid.number === null ? (x: number): number => x : Math.fround;
    const inverse = grid.number === null ? own.map((s) => rounded(1 / s)) : [Math.fround(1 / grid.number)];
    const zero = grid.zeroPoint ? decodeNumbers(grid.zeroPoint.dtype, zeros!) : new Float64Array(own.length);
    const inner = grid.axis === null ? Infinity : w.shape.slice(grid.axis + 1).reduce((a, b) => a * b, 1);
    const count = grid.axis === null ? 1 : w.shape[grid.axis]!;
    const codes = new Float64Array(numbers.length);
    for (let i = 0; i < numbers.length; i++) {
      const channel = Math.floor(i / inner) % count;
      const code = roundHalfEven(rounded(numbers[i]! * inverse[channel]!)) + zero[channel]!;
      codes[i] = Math.min(Math.max(code, range.quant_min), range.quant_max);
    }
    return encodeNumbers(range.dtype, codes);
  });
}
