/** The observer that onnxruntime's `calibrate_method` and `Calib...` options mean together. */
import { fail } from '../../errors.ts';
import type { ExtraOptions } from '../extra-options.ts';
import type { Range } from '../formulas.ts';
import { DEFAULT_OBSERVER, type ObserverChoice, type ObserverName } from './index.ts';
import type { ObserverOptions } from './observer.ts';

interface Chosen {
  readonly name: ObserverName;
  readonly options: ObserverOptions;
  /** What becomes of a range that was found. */
  readonly shaped: (range: Range) => Range;
}

/** The tool averages and mirrors what MinMax finds, and nothing else. */
const EXTREMES: readonly ObserverName[] = ['MinMax', 'MovingAverage'];

export function observerOf({
  observer = DEFAULT_OBSERVER,
  observerOptions = {},
  extraOptions: extra = {},
}: ObserverChoice & { readonly extraOptions?: ExtraOptions }): Chosen {
  for (const option of ['CalibMovingAverage', 'CalibTensorRangeSymmetric'] as const)
    if (extra[option] && !EXTREMES.includes(observer))
      fail('BadOption', {
        option: `extra_options.${option}`,
        value: 'true',
        expected: 'false, or calibrate_method MinMax',
      });
  const { CalibMovingAverageConstant: averagingConstant, CalibPercentile: percentile } = extra;
  return {
    name: extra.CalibMovingAverage ? 'MovingAverage' : observer,
    options: {
      ...observerOptions,
      ...(averagingConstant === undefined ? {} : { averagingConstant }),
      ...(percentile === undefined ? {} : { percentile }),
    },
    shaped: extra.CalibTensorRangeSymmetric ? mirrored : (range) => range,
  };
}

function mirrored({ min, max }: Range): Range {
  const most = Math.max(Math.abs(min), Math.abs(max));
  return { min: -most, max: most };
}
