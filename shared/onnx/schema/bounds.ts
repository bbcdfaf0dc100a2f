/** What is certain about the size of a symbolic dimension. */
import { type Atom, type Dim, isStatic, subDims } from '../../tensor/dim.ts';

/** PyTorch's names for sizes that depend on data (`u0`), and our own unknown dimensions, may be 0; every other symbol is at least 1. */
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
  const [a, b] = atom.args;
  const [low, by] = [lowerBound(a), lowerBound(b)];
  switch (atom.fn) {
    case 'min':
      return Math.min(low, by);
    case 'max':
      return Math.max(low, by);
    case 'mod':
      return by > 0 ? 0 : -Infinity;
    case 'floordiv':
      if (low < 0) return -Infinity;
      return isStatic(b) && b > 0 ? Math.floor(low / b) : 0;
    case 'pow':
      return low >= 1 ? 1 : -Infinity;
  }
}

function atomUpper(atom: Atom): number {
  if (atom.kind === 'symbol') return Infinity;
  const [a, b] = atom.args;
  if (atom.fn === 'mod' && isStatic(b) && b > 0) return b - 1;
  if (atom.fn === 'min') return Math.min(isStatic(a) ? a : Infinity, isStatic(b) ? b : Infinity);
  return Infinity;
}

/** Whether `a >= b` for all sizes. */
export const isAtLeast = (a: Dim, b: Dim): boolean => lowerBound(subDims(a, b)) >= 0;
