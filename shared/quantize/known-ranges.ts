/** Ranges of tensors by name, kept from one quantization of a file to the next with the same data and calibrator. */
import type { Quantization } from '../report/quantization.ts';
import type { Value } from '../onnx/ir.ts';
import type { Ranges } from './calibrate.ts';
import type { Range } from './formulas.ts';

export class KnownRanges {
  readonly #ranges = new Map<string, Range>();
  /** What was said of the data when they were read. */
  calibration: Quantization['calibration'] = null;

  of(values: readonly Value[]): Ranges {
    return new Map(
      values.flatMap((value) => {
        const range = this.#ranges.get(value.name);
        return range ? [[value, range] as const] : [];
      }),
    );
  }

  keep(ranges: Ranges, calibration: Quantization['calibration']): void {
    for (const [{ name }, range] of ranges) this.#ranges.set(name, range);
    this.calibration ??= calibration;
  }
}
