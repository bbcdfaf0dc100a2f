/** Scale and zero point of every tensor of a plan. Weights are read one at a time. */
import { absMaxOf, asFloat32, bytesOf, channelsOf, type Extent, extentOf, extentsOf } from '../tensor/arithmetic.ts';
import { memoryData, piecesOf, type TensorData } from '../tensor/data.ts';
import { type SumLayout, worstPairsOf } from '../tensor/pair-sums.ts';
import { encodeNumbers } from '../tensor/numbers.ts';
import { type CodeDtype, type Granularity, type QParams, scaleAxis, perAxis, PER_TENSOR } from '../tensor/qparams.ts';
import type { Value } from '../onnx/ir.ts';
import {
  activationParams,
  biasScales,
  magnitudeOf,
  type Range,
  scalesForPairs,
  symmetricScales,
  widenForBias,
} from './formulas.ts';
import { type Plan, type PlanOf, plansOfKind, rootOf, type TensorPlan } from './plan.ts';
import { zeroOf } from './recipe.ts';
import { roleAt, ruleOf } from './rules.ts';
import { rangeGiven } from './tensor-overrides.ts';

export interface QParamsResult {
  readonly params: ReadonlyMap<TensorPlan, QParams>;
  /** Tensors that have no scale, and why. */
  readonly unusable: ReadonlyMap<Value, string>;
}

/**
 * Parameters of every tensor of the plan. Weights first: a bias widens its weight's scale before it takes its own from
 * it.
 */
export async function computeQParams(plan: Plan, ranges: ReadonlyMap<Value, Range>): Promise<QParamsResult> {
  const params = new Map<TensorPlan, QParams>();
  const unusable = new Map<Value, string>();
  for (const tensor of plansOfKind(plan, 'copied')) params.set(tensor, tensor.qparams);
  for (const tensor of plansOfKind(plan, 'observed')) {
    const range = ranges.get(tensor.value);
    if (range) params.set(tensor, tensorQParams(range, tensor));
    else unusable.set(tensor.value, `"${tensor.value.name}" was never seen in the calibration data`);
  }
  for (const tensor of plansOfKind(plan, 'fixed'))
    params.set(
      tensor,
      qparamsOf(tensor.dtype, PER_TENSOR, { scale: Float32Array.of(tensor.scale), zeroPoint: tensor.zeroPoint }),
    );
  for (const tensor of plansOfKind(plan, 'constant')) {
    const extent = extentOf(asFloat32(await tensor.data.read()));
    if (extent.finite) params.set(tensor, tensorQParams(extent, tensor));
    else unusable.set(tensor.value, notFinite(tensor.value));
  }
  for (const tensor of plansOfKind(plan, 'blocked')) {
    const { finite, min, max } = await extentInParts(tensor.data);
    const most = Math.max(-min, max);
    if (!finite) unusable.set(tensor.value, notFinite(tensor.value));
    else if (most > LARGEST_IN_BLOCKS) unusable.set(tensor.value, tooLarge(tensor.value, most));
  }
  const sums = narrowSumsOf(plan);
  for (const tensor of plansOfKind(plan, 'weight')) {
    const qparams = weightQParams(tensor, asFloat32(await tensor.data.read()), sums.get(tensor) ?? []);
    if (qparams) params.set(tensor, qparams);
    else unusable.set(tensor.value, notFinite(tensor.value));
  }
  const biases = plansOfKind(plan, 'bias');
  for (const tensor of biases) await widenWeight(tensor, params, unusable);
  for (const tensor of biases) {
    const [activation, weight] = [params.get(rootOf(tensor.activation)), params.get(tensor.weight)];
    if (!activation || !weight) continue;
    const scales = biasScales((await floatsOf(activation.scale))[0]!, await floatsOf(weight.scale));
    const granularity = perAxis(weight.granularity.kind === 'tensor' ? null : 0);
    params.set(tensor, qparamsOf(tensor.dtype, granularity, { scale: scales, zeroPoint: 0 }));
  }
  return { params, unusable };
}

/**
 * Kernels add activations times zero point times scale, which is as large as the largest weight times all activations
 * of a block; 2^24 of the 2^128 of float32 are for those.
 */
const LARGEST_IN_BLOCKS = 2 ** 104;
const tooLarge = ({ name }: Value, most: number): string =>
  `"${name}" has numbers up to ${most.toPrecision(3)}, whose sums overflow in blocks of codes`;

const PART = 16 * 2 ** 20;

async function extentInParts(data: TensorData): Promise<Extent> {
  let whole = extentOf(new Float32Array(0));
  for await (const bytes of piecesOf(data, PART)) {
    const { finite, min, max } = extentOf(asFloat32(bytes));
    whole = { finite: whole.finite && finite, min: Math.min(whole.min, min), max: Math.max(whole.max, max) };
  }
  return whole;
}

const notFinite = (value: Value): string => `"${value.name}" has NaN or infinity`;

const floatsOf = async (scale: TensorData): Promise<Float32Array> => asFloat32(await scale.read());

const hasEightBits = (tensor: TensorPlan | null | undefined): boolean =>
  tensor?.dtype === 'uint8' || tensor?.dtype === 'int8';

/** The sums of each weight whose products with codes a kernel may add in 16 bits, over all nodes that read it. */
export function narrowSumsOf(plan: Plan): ReadonlyMap<TensorPlan, readonly SumLayout[]> {
  const sums = new Map<TensorPlan, readonly SumLayout[]>();
  for (const { node, inputs } of plan.nodes.values()) {
    const rule = ruleOf(node)!;
    for (const [i, weight] of inputs.entries()) {
      const role = roleAt(rule, i);
      if (weight?.kind !== 'weight' || weight.dtype !== 'int8' || !hasEightBits(inputs[0]) || !('sums' in role))
        continue;
      sums.set(weight, [...(sums.get(weight) ?? []), ...role.sums(node, weight.data.shape)]);
    }
  }
  return sums;
}

/** Null where the weight is not finite. */
export function weightQParams(
  weight: PlanOf<'weight'>,
  values: Float32Array,
  sums: readonly SumLayout[],
): QParams | null {
  const { data, granularity, dtype, spec, given } = weight;
  const channels = channelsOf(data.shape, scaleAxis(granularity));
  if (!spec.symmetric || given.length > 0) {
    const extents = extentsOf(values, channels);
    return extents.every(({ finite }) => finite) ? channelQParams(extents, weight) : null;
  }
  const absMax =
    spec.minimumRange === undefined
      ? absMaxOf(values, channels)
      : Float32Array.from(extentsOf(values, channels), (extent) => magnitudeOf(extent, spec));
  if (!absMax.every((most) => most === most)) return null;
  const { pairLimit } = spec;
  const scales = symmetricScales(absMax, spec);
  const scale =
    pairLimit === null
      ? scales
      : sums.reduce((raised, sum) => scalesForPairs(raised, worstPairsOf(values, sum), pairLimit), scales);
  return qparamsOf(dtype, granularity, { scale, zeroPoint: zeroOf(spec) });
}

type Computed = PlanOf<'observed'> | PlanOf<'constant'> | PlanOf<'weight'>;

const tensorQParams = (range: Range, tensor: Computed): QParams => channelQParams([range], tensor);

/** One range for each scale; what is given wins. */
function channelQParams(ranges: readonly Range[], { spec, given, granularity }: Computed): QParams {
  const each = ranges.map((range, i) => {
    const known = given[given.length > 1 ? i : 0];
    if (known?.kind === 'parameters') return known;
    return activationParams(known ? rangeGiven(range, known) : range, spec);
  });
  return qparamsOf(spec.dtype, granularity, {
    scale: Float32Array.from(each, ({ scale }) => scale),
    zeroPoint: each.map(({ zeroPoint }) => zeroPoint),
  });
}

function qparamsOf(
  dtype: CodeDtype,
  granularity: Granularity,
  { scale, zeroPoint }: { readonly scale: Float32Array; readonly zeroPoint: number | readonly number[] },
): QParams {
  const shape = granularity.kind === 'tensor' ? [] : [scale.length];
  const zeroPoints = typeof zeroPoint === 'number' ? new Array<number>(scale.length).fill(zeroPoint) : zeroPoint;
  return {
    dtype,
    granularity,
    scale: memoryData('float32', shape, bytesOf(scale)),
    zeroPoint: memoryData(dtype, shape, encodeNumbers(dtype, zeroPoints)),
  };
}

/** A weight that was copied keeps its scale: its bias saturates, as it does in PyTorch. */
async function widenWeight(
  bias: PlanOf<'bias'>,
  params: Map<TensorPlan, QParams>,
  unusable: Map<Value, string>,
): Promise<void> {
  const [activation, weight] = [params.get(rootOf(bias.activation)), params.get(bias.weight)];
  const values = biasValues(bias, await bias.data.read());
  if (!extentOf(values).finite) unusable.set(bias.value, notFinite(bias.value));
  else if (activation && weight && bias.weight.kind !== 'copied') {
    const scales = widenForBias(await floatsOf(weight.scale), (await floatsOf(activation.scale))[0]!, values);
    params.set(bias.weight, { ...weight, scale: memoryData('float32', weight.scale.shape, bytesOf(scales)) });
  }
}

/** A bias with its factor multiplied in: the integer kernels know no beta. */
export function biasValues({ beta }: PlanOf<'bias'>, bytes: Uint8Array): Float32Array {
  const values = asFloat32(bytes);
  return beta === 1 ? values : values.map((v) => v * beta);
}
