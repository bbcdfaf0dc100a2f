/** From ranges to scales and zero points, by the formulas of onnxruntime's quantization tool. */
import { type Extent, extentOf, roundHalfEven } from '../tensor/arithmetic.ts';

export type Range = Pick<Extent, 'min' | 'max'>;

/** The codes that the ends of a range become. */
interface Ends {
  readonly low: number;
  readonly high: number;
}

interface ScaleAndZero {
  readonly scale: number;
  readonly zeroPoint: number;
}

const SMALLEST_NORMAL = 1.1754943508222875e-38;

/**
 * Asymmetric, with 0 among the codes: scale `(max - min) / (high - low)` in float64, zero point
 * `round_half_even(low - min / scale)`. A range too small for a normal float32 gets scale 1, zero point 0.
 */
export function asymmetricParams(range: Range, { low, high }: Ends): ScaleAndZero {
  const min = Math.min(Math.fround(range.min), 0);
  const max = Math.max(Math.fround(range.max), 0);
  const scale = (max - min) / (high - low);
  return scale < SMALLEST_NORMAL
    ? { scale: 1, zeroPoint: 0 }
    : { scale: Math.fround(scale), zeroPoint: roundHalfEven(low - min / scale) };
}

/** `MinimumRealRange` of onnxruntime's tool. */
function widened({ min, max }: Range, { minimumRange: least = 0 }: { readonly minimumRange?: number }): Range {
  const low = Math.min(min, 0);
  return least === 0 ? { min, max } : { min: low, max: Math.max(max, 0, low + least) };
}

/** How far from 0 a range goes; NaN and infinities stay what they are. */
export function magnitudeOf(range: Range, spec: { readonly minimumRange?: number }): number {
  const { min, max } = widened(range, spec);
  return Math.max(Math.abs(min), Math.abs(max));
}

/** `ActivationRestrictedAsymmetric` of onnxruntime's tool: no code for what is below 0, or half of them. */
function restrictedParams({ min, max }: Range, { low, high }: Ends): ScaleAndZero {
  if (Math.max(max, 0) - Math.min(min, 0) < SMALLEST_NORMAL) return { scale: 1, zeroPoint: low };
  if (min >= 0) return { scale: Math.fround(max / (high - low)), zeroPoint: low };
  const middle = Math.floor((low + high + 1) / 2);
  const scale = Math.max(-min / (middle - low), max / (high - middle));
  return { scale: Math.fround(scale), zeroPoint: middle };
}

/** Scale and zero point of a range as the codes of a spec. */
export function activationParams(
  range: Range,
  spec: Ends & { readonly symmetric: boolean; readonly minimumRange?: number; readonly restricted?: boolean },
): ScaleAndZero {
  if (spec.restricted) return restrictedParams(widened(range, spec), spec);
  if (!spec.symmetric) return asymmetricParams(widened(range, spec), spec);
  const most = Float32Array.of(magnitudeOf(range, spec));
  return { scale: symmetricScales(most, spec)[0]!, zeroPoint: roundHalfEven((spec.low + spec.high) / 2) };
}

/** Symmetric, zero point 0: `2 * absmax / (high - low)` for each channel. */
export function symmetricScales(absMax: Float32Array, { low, high }: Ends): Float32Array {
  return absMax.map((most) => {
    const scale = (2 * most) / (high - low);
    return scale < SMALLEST_NORMAL ? 1 : scale;
  });
}

// Far more than float32 loses in a scale and a quotient, and no loss of accuracy.
const PAIR_SLACK = 2 ** -10;

/**
 * Scales raised where the codes of two neighbours could sum to more than `limit`; `worst` is the largest sum of two
 * neighbours in each channel, or in each sum where there is one scale for all. Numbers whose quotients sum to less than
 * `limit` round to codes that sum to at most `limit`, because rounding adds at most a half to each.
 */
export function scalesForPairs(scales: Float32Array, worst: Float32Array, limit: number): Float32Array {
  const largest = (channel: number): number => (scales.length === 1 ? largestOf(worst) : worst[channel]!);
  return scales.map((scale, channel) => Math.max(scale, largest(channel) / (limit - PAIR_SLACK)));
}

/** `scale_x * scale_w`, in float32. */
export const biasScales = (activation: number, weight: Float32Array): Float32Array =>
  weight.map((scale) => activation * scale);

const INT32_STEPS = 2 ** 32 - 2;

/**
 * Weight scales raised where a bias would overflow int32 on the scale `scale_x * scale_w`: a channel of tiny weights
 * with an ordinary bias (a pruned or batch-normalised channel).
 */
export function widenForBias(weight: Float32Array, activation: number, bias: Float32Array): Float32Array {
  const largest = (channel: number): number => (weight.length === 1 ? largestOf(bias) : Math.abs(bias[channel]!));
  return weight.map((scale, channel) => {
    const candidate = activation * scale;
    const smallest = (1.0001 * (2 * largest(channel))) / INT32_STEPS;
    return candidate > 0 && candidate < smallest ? scale * (smallest / candidate) : scale;
  });
}

const largestOf = (values: Float32Array): number => magnitudeOf(extentOf(values), {});
