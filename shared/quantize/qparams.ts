/** Scales and zero points, by the formulas of onnxruntime's quantization tool. Weights are read one at a time. */
import { absMaxOf, asFloat32, channelsOf, type Extent, extentOf, roundHalfEven } from '../tensor/arithmetic.ts';
import type { Value } from '../onnx/ir.ts';
import { codesOutOf, type Plan, type PlanOf, rootOf, type TensorPlan } from './plan.ts';

export interface QParams {
  readonly dtype: 'uint8' | 'int8' | 'int32';
  /** One, or one per index of `axis`. */
  readonly scale: Float32Array;
  /** One for all channels. */
  readonly zeroPoint: number;
  readonly axis: number | null;
}

export type Range = Pick<Extent, 'min' | 'max'>;

export interface QParamsResult {
  readonly params: ReadonlyMap<TensorPlan, QParams>;
  /** Tensors that cannot be put on a grid, and why. */
  readonly unusable: ReadonlyMap<Value, string>;
}

const SMALLEST_NORMAL = 1.1754943508222875e-38;
const UINT8 = { low: 0, high: 255 } as const;
const INT8_SYMMETRIC = { low: -127, high: 127 } as const;
const INT8_REDUCED = { low: -64, high: 64 } as const;

/**
 * uint8, asymmetric, with 0 on the grid: scale `(max - min) / 255` (the difference in float32, the quotient in
 * float64),
 * zero point `round_half_even(-min / scale)`. A range too small for a normal float32 gets scale 1, zero point 0.
 */
export function activationParams(range: Range): QParams {
  const min = Math.min(Math.fround(range.min), 0);
  const max = Math.max(Math.fround(range.max), 0);
  const scale = Math.fround(max - min) / (UINT8.high - UINT8.low);
  const isFlat = scale < SMALLEST_NORMAL;
  return {
    dtype: 'uint8',
    scale: Float32Array.of(isFlat ? 1 : scale),
    zeroPoint: isFlat ? 0 : roundHalfEven(UINT8.low - min / scale),
    axis: null,
  };
}

/** int8, symmetric: `2 * absmax / 254` per channel, codes -127..127 (reduced: `/ 128`, -64..64). */
export function weightParams(absMax: Float32Array, axis: number | null, reduceRange: boolean): QParams {
  const { low, high } = reduceRange ? INT8_REDUCED : INT8_SYMMETRIC;
  const scale = absMax.map((most) => {
    const s = Math.fround(2 * most) / (high - low);
    return s < SMALLEST_NORMAL ? 1 : s;
  });
  return { dtype: 'int8', scale, zeroPoint: 0, axis };
}

/** `scale_x * scale_w`, in float32. */
export const biasScale = (activation: QParams, weight: QParams): Float32Array =>
  weight.scale.map((s) => activation.scale[0]! * s);

const INT32_STEPS = 2 ** 32 - 2;

/**
 * Weight scales raised where a bias would overflow int32 on the grid `scale_x * scale_w`: a channel of tiny weights
 * with an
 * ordinary bias (a pruned or batch-normalised channel).
 */
export function widenForBias(weight: QParams, activation: QParams, bias: Float32Array): QParams {
  const largest = (channel: number): number =>
    weight.scale.length === 1 ? extentOfMagnitude(bias) : Math.abs(bias[channel]!);
  const scale = weight.scale.map((s, channel) => {
    const candidate = activation.scale[0]! * s;
    const smallest = (1.0001 * (2 * largest(channel))) / INT32_STEPS;
    return candidate > 0 && candidate < smallest ? s * (smallest / candidate) : s;
  });
  return { ...weight, scale };
}

const extentOfMagnitude = (values: Float32Array): number =>
  Math.max(Math.abs(extentOf(values).min), Math.abs(extentOf(values).max));

/**
 * Parameters of every tensor of the plan. Weights first: a bias widens its weight's grid before it takes its own from
 * it.
 */
export async function computeQParams(
  plan: Plan,
  ranges: ReadonlyMap<Value, Range>,
  reduceRange: boolean,
): Promise<QParamsResult> {
  const params = new Map<TensorPlan, QParams>();
  const unusable = new Map<Value, string>();
  const planned = plansOf(plan);
  for (const tensor of planned.filter((t) => t.kind === 'observed')) {
    const range = ranges.get(tensor.value);
    if (range) params.set(tensor, activationParams(range));
    else unusable.set(tensor.value, `"${tensor.value.name}" was never seen in the calibration data`);
  }
  for (const tensor of planned.filter((t) => t.kind === 'fixed')) {
    params.set(tensor, {
      dtype: 'uint8',
      scale: Float32Array.of(tensor.scale),
      zeroPoint: tensor.zeroPoint,
      axis: null,
    });
  }
  for (const tensor of planned.filter((t) => t.kind === 'constant')) {
    const extent = extentOf(asFloat32(await tensor.data.read()));
    if (extent.finite) params.set(tensor, activationParams(extent));
    else unusable.set(tensor.value, notFinite(tensor.value));
  }
  for (const tensor of planned.filter((t) => t.kind === 'weight')) {
    const absMax = absMaxOf(asFloat32(await tensor.data.read()), channelsOf(tensor.data.shape, tensor.axis));
    if (absMax.every((most) => most === most)) params.set(tensor, weightParams(absMax, tensor.axis, reduceRange));
    else unusable.set(tensor.value, notFinite(tensor.value));
  }
  for (const tensor of planned.filter((t) => t.kind === 'bias')) await widenWeight(tensor, params, unusable);
  for (const tensor of planned.filter((t) => t.kind === 'bias')) {
    const [activation, weight] = [params.get(rootOf(tensor.activation)), params.get(tensor.weight)];
    if (activation && weight)
      params.set(tensor, {
        dtype: 'int32',
        scale: biasScale(activation, weight),
        zeroPoint: 0,
        axis: weight.axis === null ? null : 0,
      });
  }
  return { params, unusable };
}

const notFinite = (value: Value): string => `"${value.name}" has NaN or infinity`;

async function widenWeight(
  bias: PlanOf<'bias'>,
  params: Map<TensorPlan, QParams>,
  unusable: Map<Value, string>,
): Promise<void> {
  const [activation, weight] = [params.get(rootOf(bias.activation)), params.get(bias.weight)];
  const values = biasValues(bias, await bias.data.read());
  if (!extentOf(values).finite) unusable.set(bias.value, notFinite(bias.value));
  else if (activation && weight) params.set(bias.weight, widenForBias(weight, activation, values));
}

/** A bias with its factor multiplied in: the integer kernels know no beta. */
export function biasValues({ beta }: PlanOf<'bias'>, bytes: Uint8Array): Float32Array {
  const values = asFloat32(bytes);
  return beta === 1 ? values : values.map((v) => v * beta);
}

/** Every tensor plan once, those with parameters of their own. */
export function plansOf(plan: Plan): TensorPlan[] {
  const all = [...plan.nodes.values()].flatMap((node) => [
    ...node.inputs,
    codesOutOf(node),
    node.addition?.bias ?? null,
  ]);
  return [...new Set(all.filter((t) => t !== null).map(rootOf))];
}
