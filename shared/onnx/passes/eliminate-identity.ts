/** Operators that give back their first input, bit for bit. */
import { type Dtype, isFloat } from '../../tensor/dtype.ts';
import { sameType } from '../../tensor/type.ts';
import type { Node, Value } from '../ir.ts';
import type { Rule } from '../pass.ts';
import { integers, ints, isStandard, isUnused, numbers, producedBy } from '../match.ts';

/** Which input comes out unchanged, or null. The types of that input and of the output are the same. */
type Idle = (node: Node) => number | null;

const first: Idle = () => 0;
const firstIf =
  (test: (node: Node) => boolean): Idle =>
  (node) =>
    test(node) ? 0 : null;

/** Where the operand stands that stays: for operators that commute on either side. */
const EITHER = [0, 1] as const;
const LEFT = [0] as const;

/** `x op c` where every element of the constant is the neutral one. */
const neutral =
  (isNeutral: (c: number, dtype: Dtype) => boolean, sides: readonly number[]): Idle =>
  (node) => {
    const keeps = (index: number): boolean => {
      const [x, c] = [node.inputs[index], node.inputs[1 - index]];
      const values = numbers(c) ?? integers(c);
      return Boolean(x?.type && values?.every((v) => isNeutral(v, x.type!.dtype)) && matches(x, node.outputs[0]!));
    };
    return sides.find(keeps) ?? null;
  };

const matches = (a: Value, b: Value): boolean => Boolean(a.type && b.type && sameType(a.type, b.type));

/** -0 + 0 is 0, so only -0 is neutral for floats. */
const isNeutralTerm = (c: number, dtype: Dtype): boolean => (isFloat(dtype) ? Object.is(c, -0) : c === 0);

/** Axes longer than 1 stay in their order: nothing moves. */
function keepsOrder(node: Node): boolean {
  const shape = node.inputs[0]?.type?.shape;
  if (!shape) return false;
  const perm = ints(node, 'perm') ?? shape.map((_, i) => shape.length - 1 - i);
  const long = perm.filter((p) => shape[p] !== 1);
  return long.every((p, i) => i === 0 || p > long[i - 1]!);
}

const isInference = (node: Node): boolean => {
  const [, , training] = node.inputs;
  const mask = node.outputs[1];
  return (!mask || isUnused(mask)) && (!training || integers(training)?.[0] === 0);
};

const stepsForward = (node: Node): boolean =>
  !node.inputs[4] || (integers(node.inputs[4])?.every((step) => step > 0) ?? false);

/** A shape that a Gather from one element takes part in is no shape while that element is asked for elsewhere. */
function mayFail(node: Node): boolean {
  const target = producedBy(node.inputs[1], 'Add');
  return Boolean(target?.inputs.some((term) => producedBy(term, 'Shape')) && target.inputs.some(sumsChecks));
}

/** One such Gather, or the sum of several. */
function sumsChecks(value: Value | null): boolean {
  const sum = producedBy(value, 'Add');
  if (sum) return sum.inputs.every(sumsChecks);
  const [places, place] = producedBy(value, 'Gather')?.inputs ?? [];
  return places?.data?.byteLength === 8 && place?.data === null;
}

const IDLE: Readonly<Record<string, Idle>> = {
  Identity: first,
  Cast: first,
  CastLike: first,
  Reshape: firstIf((node) => !mayFail(node)),
  Flatten: first,
  Squeeze: first,
  Unsqueeze: first,
  Expand: first,
  Tile: first,
  Slice: firstIf(stepsForward),
  Transpose: firstIf(keepsOrder),
  Concat: firstIf((node) => node.inputs.length === 1),
  Sum: firstIf((node) => node.inputs.length === 1),
  Max: firstIf((node) => node.inputs.length === 1),
  Min: firstIf((node) => node.inputs.length === 1),
  Split: firstIf((node) => node.outputs.length === 1),
  Pad: firstIf((node) => integers(node.inputs[1])?.every((pad) => pad === 0) ?? false),
  Dropout: firstIf(isInference),
  Clip: firstIf((node) => !node.inputs[1] && !node.inputs[2] && node.attributes.size === 0),
  Add: neutral(isNeutralTerm, EITHER),
  Sub: neutral((c) => Object.is(c, 0), LEFT),
  Mul: neutral((c) => c === 1, EITHER),
  Div: neutral((c) => c === 1, LEFT),
  And: neutral((c) => c === 1, EITHER),
  Or: neutral((c) => c === 0, EITHER),
  Where: (node) => {
    const condition = integers(node.inputs[0]);
    if (!condition?.length) return null;
    return condition.every((c) => c === 1) ? 1 : condition.every((c) => c === 0) ? 2 : null;
  },
};

export const eliminateIdentity: Rule = {
  name: 'eliminate-identity',
  root: Object.keys(IDLE),
  rewrite(node) {
    const x = node.inputs[IDLE[node.op]!(node) ?? -1];
    return x && (isStandard(node, 'Identity') || matches(x, node.outputs[0]!)) ? x : null;
  },
};
