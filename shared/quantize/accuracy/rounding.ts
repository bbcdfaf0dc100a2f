/** Numbers as the codes of a plan give them back: rounded, and float again. */
import type { Builder } from '../../onnx/builder.ts';
import type { Value } from '../../onnx/ir.ts';
import { asFloat32, channelsOf, codeArray, quantizeInto } from '../../tensor/arithmetic.ts';
import { decodeNumbers } from '../../tensor/numbers.ts';
import { CODES, type QParams, scaleAxis } from '../../tensor/qparams.ts';
import { narrowSumsOf, weightQParams } from '../compute-qparams.ts';
import { activationParams, type Range } from '../formulas.ts';
import type { Plan, PlanOf, TensorPlan } from '../plan.ts';
import type { CodeSpec } from '../recipe.ts';

/** Rounds other numbers in the shape of a weight as those of the weight are; not finite ones stay. */
export type WeightRounding = (weight: PlanOf<'weight'>, values: Float32Array) => Float32Array;

export function weightRounding(plan: Plan): WeightRounding {
  const sums = narrowSumsOf(plan);
  return (weight, values) => {
    const qparams = weightQParams(weight, values, sums.get(weight) ?? []);
    return qparams ? roundedBy(qparams, weight.data.shape, values) : values;
  };
}

function roundedBy({ dtype, granularity, ...params }: QParams, shape: readonly number[], values: Float32Array) {
  const channels = channelsOf(shape, scaleAxis(granularity));
  const scale = asFloat32(params.scale.memory!);
  const zeroPoint = decodeNumbers(dtype, params.zeroPoint!.memory!);
  const codes = quantizeInto(codeArray(dtype, values.length), values, { channels, scale, zeroPoint, ...CODES[dtype] });
  const rounded = new Float32Array(values.length);
  for (let o = 0, i = 0; o < channels.outer; o++)
    for (let c = 0; c < channels.channels; c++)
      for (const end = i + channels.inner; i < end; i++) rounded[i] = (codes[i]! - zeroPoint[c]!) * scale[c]!;
  return rounded;
}

/** In the graph: as the operator finds it in every run, or with the parameters of a range. */
export function roundedActivation(
  op: Builder,
  x: Value,
  how: { readonly plan: TensorPlan; readonly range: Range },
): Value {
  const [codes, scale, zeroPoint] =
    how.plan.kind === 'observed' ? withRange(op, x, how.range, how.plan.spec) : op.DynamicQuantizeLinear([x], {}, 3);
  return op.DequantizeLinear([codes!, scale!, zeroPoint!]);
}

function withRange(op: Builder, x: Value, range: Range, spec: CodeSpec): readonly Value[] {
  const params = activationParams(range, spec);
  const [scale, zeroPoint] = [op.scalar('float32', params.scale), op.scalar(spec.dtype, params.zeroPoint)];
  return [op.QuantizeLinear([x, scale, zeroPoint]), scale, zeroPoint];
}
