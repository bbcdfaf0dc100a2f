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

/** Of which observers an option says something in the tool. */
const MEANT_FOR = {
  CalibMovingAverage: ['MinMax', 'MovingAverage'],
  CalibTensorRangeSymmetric: ['MinMax', 'MovingAverage', 'Percentile'],
} as const satisfies Partial<Record<keyof ExtraOptions, readonly ObserverName[]>>;

export function observerOf({
  observer = DEFAULT_OBSERVER,
  observerOptions = {},
  extraOptions: extra = {},
}: ObserverChoice & { readonly extraOptions?: ExtraOptions }): Chosen {
  for (const [option, meant] of Object.entries(MEANT_FOR) as [keyof typeof MEANT_FOR, readonly ObserverName[]][])
    if (extra[option] && !meant.includes(observer))
      fail('BadOption', {
        option: `extra_options.${option}`,
        value: String(extra[option]),
        expected: `nothing, or calibrate_method ${meant.join(', ')}`,
      });
  const {
    CalibMovingAverageConstant: averagingConstant,
    CalibPercentile: percentile,
    CalibTensorRangeSymmetric: symmetric,
  } = extra;
  return {
    name: extra.CalibMovingAverage ? 'MovingAverage' : observer,
    options: {
      ...observerOptions,
      ...(averagingConstant === undefined ? {} : { averagingConstant }),
      ...(percentile === undefined ? {} : { percentile }),
      // The tool's Percentile is symmetric unless it is told otherwise, and what it cuts off stays cut off.
      ...(symmetric === false ? { twoSided: true } : {}),
    },
    shaped: symmetric && observer !== 'Percentile' ? mirrored : (range) => range,
  };
}

function mirrored({ min, max }: Range): Range {
  const most = Math.max(Math.abs(min), Math.abs(max));
  return { min: -most, max: most };
}
