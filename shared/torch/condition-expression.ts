/** Conditions over sizes, as PyTorch writes them: comparisons of expressions, joined and negated. */
import { type Dim, isStatic } from '../tensor/dim.ts';
import { compare, type Condition, negated, type Quantity } from '../tensor/condition.ts';
import { asReal, evaluate, Evaluation, isExact, type Value } from './expression.ts';
import { parseSyntax, type Syntax } from './expression-syntax.ts';

const RELATION_HEADS: Readonly<Record<string, (left: Quantity, right: Quantity) => Condition>> = {
  Equality: (left, right) => compare('eq', left, right),
  Eq: (left, right) => compare('eq', left, right),
  Unequality: (left, right) => compare('ne', left, right),
  Ne: (left, right) => compare('ne', left, right),
  StrictLessThan: (left, right) => compare('lt', left, right),
  LessThan: (left, right) => compare('le', left, right),
  StrictGreaterThan: (left, right) => compare('lt', right, left),
  GreaterThan: (left, right) => compare('le', right, left),
};
const JOINED: Readonly<Record<string, 'all' | 'any'>> = { And: 'all', Or: 'any' };

/** A condition over sizes; null where it is about something else, or in a way no dimension can hold. */
export function parseCondition(text: string): Condition | null {
  const unreadable = new Error('unreadable');
  const e = new Evaluation(() => {
    throw unreadable;
  });
  try {
    return conditionOf(e, parseSyntax(text, e.refuse));
  } catch (error) {
    if (error === unreadable) return null;
    throw error;
  }
}

function conditionOf(e: Evaluation, syntax: Syntax): Condition {
  const { head, args } = syntax.kind === 'call' ? syntax : e.refuse('no condition');
  if (Object.hasOwn(JOINED, head)) return { kind: JOINED[head]!, of: args.map((arg) => conditionOf(e, arg)) };
  const [left, right] = args;
  if (head === 'Not' && left) return negated(conditionOf(e, left));
  if (!Object.hasOwn(RELATION_HEADS, head) || !left || !right) return e.refuse('no condition');
  return RELATION_HEADS[head]!(...quantitiesOf(e, evaluate(e, left), evaluate(e, right)));
}

/** Both sides of a comparison, as whole numbers where they are quotients by whole numbers. */
function quantitiesOf(e: Evaluation, left: Value, right: Value): [Quantity, Quantity] {
  if (isExact(left) && isExact(right) && isCount(left.under) && isCount(right.under))
    return [e.times(left.over, right.under), e.times(right.over, left.under)];
  const [a, b] = [asReal(left), asReal(right)];
  return a && b ? [a, b] : e.refuse('no condition');
}

const isCount = (dim: Dim): boolean => isStatic(dim) && dim > 0;
