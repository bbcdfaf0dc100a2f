/** Reductions: the axes were an attribute, and bool was not reduced. */
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import type { OnnxOp } from '../schema/index.ts';
import type { OpCall } from '../schema/row.ts';
import type { Form, Forms } from './form.ts';

const identity = (op: Builder, x: Value): Value => op.Identity([x]);

/** A reduction over no axes still does what it does to each element. */
const OVER_NOTHING: Readonly<Partial<Record<string, (op: Builder, x: Value) => Value>>> = {
  ReduceL1: (op, x) => op.Abs([x]),
  ReduceL2: (op, x) => op.Abs([x]),
  ReduceSumSquare: (op, x) => op.Mul([x, x]),
  ReduceLogSum: (op, x) => op.Log([x]),
};

const axesAttribute: Form = {
  below: 18,
  write(c, op) {
    const axes = c.numbers(1);
    if (c.has(1) && !axes) op.refuse(c.op, 'axes computed while the model runs exist since opset 18');
    if (!axes?.length && c.int('noop_with_empty_axes')) return (OVER_NOTHING[c.op] ?? identity)(op, c.input(0));
    return op.node(c.op, [c.input(0)], { axes: axes?.length ? axes : undefined, keepdims: c.int('keepdims') });
  },
};

/** false < true as numbers, too. */
const throughIntegers = (name: 'ReduceMax' | 'ReduceMin'): Form => ({
  below: 20,
  when: (c: OpCall) => c.isOf(0, 'bool'),
  write: (c: OpCall, op: Builder): Value =>
    op.Cast([op[name]([op.Cast([c.input(0)], { to: 'int32' }), ...c.inputs.slice(1)], c.given())], { to: 'bool' }),
});

const PLAIN = [
  'ReduceMean',
  'ReduceProd',
  'ReduceL1',
  'ReduceL2',
  'ReduceSumSquare',
  'ReduceLogSum',
  'ReduceLogSumExp',
] as const satisfies readonly OnnxOp[];

export const REDUCTION_FORMS: Forms = {
  ...Object.fromEntries(PLAIN.map((name) => [name, [axesAttribute]])),
  ReduceMax: [throughIntegers('ReduceMax'), axesAttribute],
  ReduceMin: [throughIntegers('ReduceMin'), axesAttribute],
};
