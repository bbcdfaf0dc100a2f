/** Scale and zero point of every tensor of a plan. Weights are read one at a time. */
import { absMaxOf, asFloat32, bytesOf, channelsOf, type Extent, extentOf } from '../tensor/arithmetic.ts';
import { memoryData, piecesOf, type TensorData } from '../tensor/data.ts';
import { type SumLayout, worstPairsOf } from '../tensor/pair-sums.ts';
import { encodeNumbers } from '../tensor/numbers.ts';
import { type CodeDtype, type Granularity, type QParams, scaleAxis, perAxis, PER_TENSOR } from '../tensor/qparams.ts';
import type { Value } from '../onnx/ir.ts';
import { activationParams, biasScales, type Range, scalesForPairs, symmetricScales, widenForBias } from './formulas.ts';
import { type Plan, type PlanOf, plansOfKind, rootOf, type TensorPlan } from './plan.ts';
import { type CodeSpec, zeroOf } from './recipe.ts';
import { roleAt, ruleOf, weightIndexOf } from './rules.ts';

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
    if (range) params.set(tensor, rangeQParams(range, tensor.spec));
    else unusable.set(tensor.value, `"${tensor.value.name}" was never seen in the calibration data`);
  }
  for (const tensor of plansOfKind(plan, 'fixed'))
    params.set(
      tensor,
      qparamsOf(tensor.dtype, PER_TENSOR, { scale: Float32Array.of(tensor.scale), zeroPoint: tensor.zeroPoint }),
    );
  for (const tensor of plansOfKind(plan, 'constant')) {
    const extent = extentOf(asFloat32(await tensor.data.read()));
    if (extent.finite) params.set(tensor, rangeQParams(extent, tensor.spec));
    else unusable.set(tensor.value, notFinite(tensor.value));
  }
  for (const tensor of plansOfKind(plan, 'blocked')) {
    const { finite, min, max } = await extentInParts(tensor.data);
    if (!finite || !Number.isFinite(Math.fround(max - min))) unusable.set(tensor.value, notFinite(tensor.value));
  }
  const sums = narrowSumsOf(plan);
  for (const tensor of plansOfKind(plan, 'weight')) {
    const { data, granularity, dtype, spec } = tensor;
    const scales = weightScales(tensor, asFloat32(await data.read()), sums.get(tensor) ?? []);
    if (scales) params.set(tensor, qparamsOf(dtype, granularity, { scale: scales, zeroPoint: zeroOf(spec) }));
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

/** The sums of each weight whose products with uint8 a kernel may add in 16 bits, over all nodes that read it. */
function narrowSumsOf(plan: Plan): ReadonlyMap<TensorPlan, readonly SumLayout[]> {
  const sums = new Map<TensorPlan, readonly SumLayout[]>();
  for (const { node, inputs } of plan.nodes.values()) {
    const rule = ruleOf(node)!;
    const index = weightIndexOf(rule);
    const [weight, role] = [inputs[index], roleAt(rule, index)];
    if (weight?.kind !== 'weight' || weight.dtype !== 'int8' || inputs[0]?.dtype !== 'uint8' || !('sums' in role))
      continue;
    sums.set(weight, [...(sums.get(weight) ?? []), ...role.sums(node, weight.data.shape)]);
  }
  return sums;
}

/** Null where the weight is not finite. */
function weightScales(
  { data, granularity, spec }: PlanOf<'weight'>,
  values: Float32Array,
  sums: readonly SumLayout[],
): Float32Array | null {
  const absMax = absMaxOf(values, channelsOf(data.shape, scaleAxis(granularity)));
  if (!absMax.every((most) => most === most)) return null;
  const { pairLimit } = spec;
  const scales = symmetricScales(absMax, spec);
  if (pairLimit === null) return scales;
  return sums.reduce((raised, sum) => scalesForPairs(raised, worstPairsOf(values, sum), pairLimit), scales);
}

function rangeQParams(range: Range, spec: CodeSpec): QParams {
  const { scale, zeroPoint } = activationParams(range, spec);
  return qparamsOf(spec.dtype, PER_TENSOR, { scale: Float32Array.of(scale), zeroPoint });
}

function qparamsOf(
  dtype: CodeDtype,
  granularity: Granularity,
  { scale, zeroPoint }: { readonly scale: Float32Array; readonly zeroPoint: number },
): QParams {
  const shape = granularity.kind === 'tensor' ? [] : [scale.length];
  return {
    dtype,
    granularity,
    scale: memoryData('float32', shape, bytesOf(scale)),
    zeroPoint: memoryData(dtype, shape, encodeNumbers(dtype, new Array<number>(scale.length).fill(zeroPoint))),
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
