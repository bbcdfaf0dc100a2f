/** What is certain about the size of a symbolic dimension. */
import { type Atom, type Dim, type DimFunction, isStatic, subDims } from '../../tensor/dim.ts';
import { isMonotone } from '../../tensor/formula.ts';

/**
 * PyTorch's names for sizes that depend on data (`u0`), and our own unknown dimensions, may be 0; every other symbol is
 * at least 1.
 */
const MAY_BE_ZERO = /^(u\d+$|_unknown)/;

/** A number the dimension is never below. */
export function lowerBound(dim: Dim): number {
  if (isStatic(dim)) return dim;
  return dim.terms.reduce((sum, { factor, atoms }) => {
    if (factor > 0) return sum + productLower(factor, atoms.map(atomLower));
    return sum + factor * (atoms.length === 1 ? atomUpper(atoms[0]!) : atoms.length === 0 ? 1 : Infinity);
  }, 0);
}

/** A product of several numbers that may be negative says nothing. */
const productLower = (factor: number, lows: readonly number[]): number =>
  lows.length > 1 && lows.some((low) => low < 0) ? -Infinity : lows.reduce((product, low) => product * low, factor);

function atomLower(atom: Atom): number {
  if (atom.kind === 'symbol') return MAY_BE_ZERO.test(atom.name) ? 0 : 1;
  if (atom.kind === 'rounded')
    return isMonotone(atom.of) && atom.args.every((arg) => lowerBound(arg) >= 0) ? 0 : -Infinity;
  return CALL_LOWER[atom.fn](...atom.args);
}

const CALL_LOWER: Readonly<Record<DimFunction, (a: Dim, b: Dim) => number>> = {
  min: (a, b) => Math.min(lowerBound(a), lowerBound(b)),
  max: (a, b) => Math.max(lowerBound(a), lowerBound(b)),
  mod: (_, b) => (lowerBound(b) > 0 ? 0 : -Infinity),
  floordiv: (a, b) =>
    lowerBound(a) < 0 || lowerBound(b) < 1 ? -Infinity : isStatic(b) ? Math.floor(lowerBound(a) / b) : 0,
  pow: (a) => (lowerBound(a) >= 1 ? 1 : -Infinity),
};

function atomUpper(atom: Atom): number {
  if (atom.kind !== 'call') return Infinity;
  const [a, b] = atom.args;
  if (atom.fn === 'mod' && isStatic(b) && b > 0) return b - 1;
  if (atom.fn === 'min') return Math.min(isStatic(a) ? a : Infinity, isStatic(b) ? b : Infinity);
  return Infinity;
}

/** Whether `a >= b` for all sizes. */
export const isAtLeast = (a: Dim, b: Dim): boolean => lowerBound(subDims(a, b)) >= 0;
