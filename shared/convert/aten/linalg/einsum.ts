/** ATen's einsum, with the ellipsis spelled out: runtimes read `...` more narrowly than PyTorch. */
import type { Value } from '../../../onnx/ir.ts';
import { FAULTS, isMet } from '../../../onnx/runtime-facts/faults.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { rankOf, shapeOf, squeeze } from '../../shape.ts';
import { reduce, sumDtype } from '../reduce/reduction.ts';

/** Letters of one term in order, `...` as one of them. */
const labelsOf = (term: string): string[] => term.match(/\.\.\.|[A-Za-z]/g) ?? [];
const ELLIPSIS = '...';
const LETTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/**
 * Without an arrow: the ellipsis, then the letters that stand once, in alphabetical order (capitals first, as PyTorch
 * sorts).
 */
function implicitOutput(terms: readonly (readonly string[])[]): string[] {
  const all = terms.flat();
  const once = all.filter((l) => l !== ELLIPSIS && all.indexOf(l) === all.lastIndexOf(l)).sort();
  return [...(all.includes(ELLIPSIS) ? [ELLIPSIS] : []), ...once];
}

/** Every term in letters alone; the axes under an ellipsis are matched from the last one. */
function spelledOut(
  op: AtenBuilder,
  equation: string,
  ranks: readonly number[],
): { terms: string[][]; output: string[] } {
  const [left, right] = equation.replaceAll(' ', '').split('->') as [string, string | undefined];
  const terms = left.split(',').map(labelsOf);
  const output = right === undefined ? implicitOutput(terms) : labelsOf(right);
  const covered = terms.map((term, i) => (term.includes(ELLIPSIS) ? ranks[i]! - term.length + 1 : 0));
  const free = LETTERS.filter((l) => !equation.includes(l));
  const most = Math.max(0, ...covered);
  if (most > free.length) return op.aten.refuse('equation', equation, 'fewer than 53 axes in all');
  const spell = (term: readonly string[], count: number): string[] =>
    term.flatMap((l) => (l === ELLIPSIS ? free.slice(most - count, most) : [l]));
  return { terms: terms.map((term, i) => spell(term, covered[i]!)), output: spell(output, most) };
}

export const einsum = aten(
  'aten::einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor',
  (op, { equation, tensors }) => {
    const { terms, output } = spelledOut(op, equation, tensors.map(rankOf));
    // An axis of 1 against a longer one of the same letter broadcasts, which is to say it drops out.
    const isLong = (letter: string): boolean =>
      terms.some((term, i) => term.some((l, axis) => l === letter && shapeOf(tensors[i]!)[axis] !== 1));
    const lone = terms.map((term, i) =>
      term.flatMap((l, axis) => (shapeOf(tensors[i]!)[axis] === 1 && isLong(l) ? [axis] : [])),
    );
    // PyTorch sums an axis that only one operand has before it multiplies, and sums of integers are int64.
    const isAlone = (l: string): boolean =>
      !output.includes(l) &&
      isLong(l) &&
      terms.filter((term, i) => term.some((t, axis) => t === l && !lone[i]!.includes(axis))).length === 1;
    const isSummed = terms.flat().some(isAlone);
    const numbers = isSummed ? tensors.map((x) => cast(op, x, sumDtype(x, null))) : tensors;
    const booleans = numbers.find((x) => dtypeOf(x) === 'bool');
    if (booleans) return op.aten.refuse('tensors', 'bool', 'tensors of numbers');
    const operands = numbers.map((x, i): Operand => ({
      value: squeeze(op, x, lone[i]!),
      term: terms[i]!.filter((_, axis) => !lone[i]!.includes(axis)),
    }));
    const isExact = isSummed && isMet(FAULTS.einsumInDouble, dtypeOf(numbers[0]!));
    const kept = isExact ? operands.map((operand) => summed(op, operand, isAlone)) : operands;
    return op.Einsum(
      kept.map(({ value }) => value),
      { equation: `${kept.map(({ term }) => term.join('')).join()}->${output.join('')}` },
    );
  },
);

interface Operand {
  readonly value: Value;
  readonly term: readonly string[];
}

/** Integers are summed by the reduction that wraps around. */
function summed(op: AtenBuilder, { value, term }: Operand, isAlone: (letter: string) => boolean): Operand {
  if (!term.some(isAlone)) return { value, term };
  const letters = [...new Set(term)];
  const diagonal = letters.length < term.length;
  const x = diagonal ? op.Einsum([value], { equation: `${term.join('')}->${letters.join('')}` }) : value;
  const axes = letters.flatMap((l, axis) => (isAlone(l) ? [axis] : []));
  return { value: reduce(op, 'ReduceSum', x, { axes }), term: letters.filter((l) => !isAlone(l)) };
}
