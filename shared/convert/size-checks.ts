/** Conditions on sizes inside the graph: where one does not hold, the model fails and computes nothing else. */
import { compare, type Condition, conditionText, isReal, type Quantity, type Relation } from '../tensor/condition.ts';
import { type Dim, isStatic, sameDim, symbol, symbolName } from '../tensor/dim.ts';
import type { Builder } from '../onnx/builder.ts';
import type { Value } from '../onnx/ir.ts';

/**
 * `output` unchanged, as long as every condition holds. Each becomes a Gather from one zero: at place 0 while it holds,
 * at place 1, which is none, when it does not. Runtimes refuse that, and name the node. The zeros are added to the
 * shape of the output, so that no optimizer can drop them; the shape is the same, and no number is copied for it.
 */
export function requireConditions(op: Builder, output: Value, conditions: readonly Condition[]): Value {
  if (conditions.length === 0) return output;
  const zero = conditions.map((condition) => zeroWhile(op, condition)).reduce((a, b) => op.Add([a, b]));
  // A number has no shape to add to: it is the one element at place 0.
  const checked =
    output.type!.shape.length === 0
      ? op.Gather([op.Unsqueeze([output, op.ints([0])]), zero], { axis: 0 })
      : op.Reshape([output, op.Add([op.Shape([output]), zero])]);
  checked.type = output.type;
  return checked;
}

function zeroWhile(op: Builder, condition: Condition): Value {
  const violated = op.Cast([op.Not([truth(op, condition)])], { to: 'int64' });
  const zero = op.Gather([op.tensor('int64', [1], [0]), violated], { axis: 0 });
  zero.producer!.name = `requires ${conditionText(condition)}`;
  return zero;
}

const RELATION_OPS: Readonly<Record<Relation, (op: Builder, a: Value, b: Value) => Value>> = {
  eq: (op, a, b) => op.Equal([a, b]),
  ne: (op, a, b) => op.Not([op.Equal([a, b])]),
  lt: (op, a, b) => op.Less([a, b]),
  le: (op, a, b) => op.LessOrEqual([a, b]),
};

function truth(op: Builder, condition: Condition): Value {
  if (condition.kind !== 'compare') {
    const parts = condition.of.map((part) => truth(op, part));
    return parts.reduce((a, b) => (condition.kind === 'all' ? op.And([a, b]) : op.Or([a, b])));
  }
  const { left, right, relation } = condition;
  const inDoubles = isReal(left) || isReal(right);
  const number = (quantity: Quantity): Value => {
    if (isReal(quantity)) return op.dimValues.real(quantity.of, quantity.args);
    const value = op.dimValues.scalar(quantity);
    return inDoubles ? op.Cast([value], { to: 'float64' }) : value;
  };
  return RELATION_OPS[relation](op, number(left), number(right));
}

/**
 * What the declared shapes of the inputs say of each other: one name is one size, `2*batch` is twice another. Runtimes
 * do not hold inputs to it.
 */
export function declaredConditions(op: Builder, inputs: readonly Value[]): Condition[] {
  const seen: Dim[] = [];
  return inputs.flatMap((input) =>
    input.type!.shape.flatMap((dim, axis) => {
      const isFirst = symbolName(dim) !== null && !seen.some((other) => sameDim(other, dim));
      seen.push(dim);
      if (isStatic(dim) || isFirst) return [];
      const name = `${input.name}.shape[${axis}]`;
      op.dimValues.bindScalar(name, op.Gather([op.Shape([input]), op.scalar('int64', axis)], { axis: 0 }));
      return [compare('eq', symbol(name), dim)];
    }),
  );
}
