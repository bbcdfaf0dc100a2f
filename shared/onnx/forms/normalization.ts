/** Normalizations from means, or from InstanceNormalization. */
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { FAULTS } from '../runtime-facts/faults.ts';
import { WITHOUT_FLOAT64 } from '../runtime-facts/kernels.ts';
import type { OpCall } from '../schema/row.ts';
import { axisIn } from '../schema/shape-rules.ts';
import { accumulator, around, castTo, constantLike, type Forms, shapeOf } from './form.ts';

export const NORMALIZATION_FORMS: Forms = {
  LayerNormalization: [
    {
      ...around(FAULTS.fusedLayerNormalization, {
        write: (c, op) => op.refuse(c.op, 'it computes bfloat16 since opset 17'),
      }),
      below: 17,
    },
    { below: 17, write: layerNormalization },
  ],
  // The version of opset 18 has one scale per group instead of one per channel: never used.
  GroupNormalization: [{ below: 21, write: groupNormalization }],
  RMSNormalization: [{ below: 23, write: rmsNormalization }],
};

/** The normalized axes: from `axis` to the last. */
const trailingAxes = (c: OpCall): number[] => {
  const axis = axisIn(c.int('axis'), c.rank(0));
  return Array.from({ length: c.rank(0) - axis }, (_, i) => axis + i);
};

function layerNormalization(c: OpCall, op: Builder): Value[] {
  const axes = op.ints(trailingAxes(c));
  const x = castTo(op, c.input(0), accumulator(c.dtypeOf(0)));
  const mean = op.ReduceMean([x, axes], { keepdims: 1 });
  const centered = op.Sub([x, mean]);
  const variance = op.ReduceMean([op.Pow([centered, constantLike(op, x, 2)]), axes], { keepdims: 1 });
  const deviation = op.Sqrt([op.Add([variance, constantLike(op, x, c.float('epsilon'))])]);
  const normalized = castTo(op, op.Div([centered, deviation]), c.dtypeOf(0));
  const scaled = op.Mul([normalized, c.input(1)]);
  const y = c.has(2) ? op.Add([scaled, c.input(2)]) : scaled;
  const statistics = [mean, ...(c.outputs > 2 ? [op.Reciprocal([deviation])] : [])].map((v) =>
    castTo(op, v, c.dtype('stash_type')),
  );
  return [y, ...statistics].slice(0, c.outputs);
}

function rmsNormalization(c: OpCall, op: Builder): Value {
  const x = castTo(op, c.input(0), accumulator(c.dtypeOf(0)));
  const meanSquare = op.ReduceMean([op.Mul([x, x]), op.ints(trailingAxes(c))], { keepdims: 1 });
  const rms = op.Sqrt([op.Add([meanSquare, constantLike(op, x, c.float('epsilon'))])]);
  return op.Mul([castTo(op, op.Div([x, rms]), c.dtypeOf(1)), c.input(1)]);
}

/** Each group becomes one channel of an instance normalization; scale and bias follow per channel. */
function groupNormalization(c: OpCall, op: Builder): Value {
  const groups = c.int('num_groups');
  const dtype = accumulator(c.dtypeOf(0));
  const grouped = op.Reshape([castTo(op, c.input(0), dtype), op.ints([0, groups, -1])]);
  const normalized =
    dtype === 'float64' && WITHOUT_FLOAT64.operators.has('InstanceNormalization')
      ? meanNormalized(op, grouped, c.float('epsilon'))
      : instanceNormalized(op, grouped, groups, c.float('epsilon'));
  const restored = castTo(op, op.Reshape([normalized, shapeOf(op, c.input(0))]), c.dtypeOf(0));
  const perChannel = (v: Value): Value => op.Reshape([v, op.ints([-1, ...new Array<number>(c.rank(0) - 2).fill(1)])]);
  return op.Add([op.Mul([restored, perChannel(c.input(1))]), perChannel(c.input(2))]);
}

function instanceNormalized(op: Builder, x: Value, channels: number, epsilon: number): Value {
  const filled = (value: number): Value =>
    op.tensor(x.type!.dtype, [channels], new Array<number>(channels).fill(value));
  return op.InstanceNormalization([x, filled(1), filled(0)], { epsilon });
}

function meanNormalized(op: Builder, x: Value, epsilon: number): Value {
  const centered = op.Sub([x, op.ReduceMean([x, op.ints([2])], { keepdims: 1 })]);
  const variance = op.ReduceMean([op.Mul([centered, centered]), op.ints([2])], { keepdims: 1 });
  return op.Div([centered, op.Sqrt([op.Add([variance, constantLike(op, x, epsilon)])])]);
}
