/**
 * Dimensions: a number, or a symbolic integer expression kept in normal form (a sum of products of symbols and calls),
 * so that two ways of writing the same expression compare equal by their text.
 */
import { evaluateFormula, type Formula, formulaText, type Rounding, ROUNDINGS } from './formula.ts';

export type Dim = number | Expr;

/**
 * Integer functions that have no polynomial form. `floordiv` and `mod` round towards minus infinity, as Python's do.
 */
export const DIM_FUNCTIONS = {
  floordiv: (a: number, b: number) => Math.floor(a / b),
  mod: (a: number, b: number) => a - b * Math.floor(a / b),
  min: (a: number, b: number) => Math.min(a, b),
  max: (a: number, b: number) => Math.max(a, b),
  pow: (a: number, b: number) => a ** b,
} as const;
export type DimFunction = keyof typeof DIM_FUNCTIONS;

export type Atom =
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'call'; readonly fn: DimFunction; readonly args: readonly [Dim, Dim] }
  /** A number computed in double precision, rounded to an integer. */
  | { readonly kind: 'rounded'; readonly fn: Rounding; readonly of: Formula; readonly args: readonly Dim[] };

export interface Term {
  readonly factor: number;
  /** Repeated for powers; sorted by text. Empty: the constant term. */
  readonly atoms: readonly Atom[];
}

/** A symbolic integer. Make one with `symbol` and the arithmetic below, which keep it in normal form. */
export class Expr {
  readonly terms: readonly Term[];
  readonly text: string;
  constructor(terms: readonly Term[]) {
    this.terms = terms;
    this.text = terms.map((term, i) => termText(term, { first: i === 0 })).join('');
  }
  toString(): string {
    return this.text;
  }
}

export const isStatic = (dim: Dim): dim is number => typeof dim === 'number';
export const dimText = (dim: Dim): string => (isStatic(dim) ? String(dim) : dim.text);

export const symbol = (name: string): Expr => new Expr([{ factor: 1, atoms: [{ kind: 'symbol', name }] }]);

/** The name when the expression is one bare symbol, else null. */
export function symbolName(dim: Dim): string | null {
  if (isStatic(dim) || dim.terms.length !== 1) return null;
  const { factor, atoms } = dim.terms[0]!;
  const atom = atoms[0];
  return factor === 1 && atoms.length === 1 && atom?.kind === 'symbol' ? atom.name : null;
}

/** Every symbol an expression mentions. */
export function symbolsOf(dim: Dim, into = new Set<string>()): Set<string> {
  if (!isStatic(dim)) {
    for (const { atoms } of dim.terms) {
      for (const atom of atoms) {
        if (atom.kind === 'symbol') into.add(atom.name);
        else for (const arg of atom.args) symbolsOf(arg, into);
      }
    }
  }
  return into;
}

const atomText = (atom: Atom): string => {
  if (atom.kind === 'symbol') return atom.name;
  const args = atom.args.map(dimText);
  return `${atom.fn}(${atom.kind === 'call' ? args.join(', ') : formulaText(atom.of, args)})`;
};
const atomsKey = (atoms: readonly Atom[]): string => atoms.map(atomText).join('*');

function termText({ factor, atoms }: Term, { first }: { readonly first: boolean }): string {
  const size = Math.abs(factor);
  const body = atoms.length === 0 ? String(size) : size === 1 ? atomsKey(atoms) : `${size}*${atomsKey(atoms)}`;
  if (first) return factor < 0 ? `-${body}` : body;
  return factor < 0 ? ` - ${body}` : ` + ${body}`;
}

const termsOf = (dim: Dim): readonly Term[] =>
  isStatic(dim) ? (dim === 0 ? [] : [{ factor: dim, atoms: [] }]) : dim.terms;

function collect(terms: Iterable<Term>): Dim {
  const byKey = new Map<string, Term>();
  for (const term of terms) {
    const key = atomsKey(term.atoms);
    const factor = (byKey.get(key)?.factor ?? 0) + term.factor;
    if (factor === 0) byKey.delete(key);
    else byKey.set(key, { factor, atoms: term.atoms });
  }
  // Symbols before the constant, so that an expression reads "8*s + 1".
  const sorted = [...byKey.entries()]
    .sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : a < b ? -1 : 1))
    .map(([, term]) => term);
  if (sorted.length === 0) return 0;
  if (sorted.length === 1 && sorted[0]!.atoms.length === 0) return sorted[0]!.factor;
  return new Expr(sorted);
}

export const addDims = (...dims: readonly Dim[]): Dim =>
  dims.every(isStatic) ? dims.reduce((a, b) => a + b, 0) : collect(dims.flatMap((d) => [...termsOf(d)]));

export function mulDims(...dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>((a, b) => {
    if (isStatic(a) && isStatic(b)) return a * b;
    const products: Term[] = [];
    for (const x of termsOf(a)) {
      for (const y of termsOf(b)) {
        const atoms = [...x.atoms, ...y.atoms].sort((p, q) => (atomText(p) < atomText(q) ? -1 : 1));
        products.push({ factor: x.factor * y.factor, atoms });
      }
    }
    return collect(products);
  }, 1);
}

export const negDim = (dim: Dim): Dim => mulDims(dim, -1);
export const subDims = (a: Dim, b: Dim): Dim => addDims(a, negDim(b));

const call = (fn: DimFunction, a: Dim, b: Dim): Dim =>
  new Expr([{ factor: 1, atoms: [{ kind: 'call', fn, args: [a, b] }] }]);

/** `a / b` without its remainder when the division is exact for every value of the symbols, else null. */
export function divideExactly(a: Dim, b: Dim): Dim | null {
  if (isStatic(b)) {
    if (b === 0) return null;
    const terms = termsOf(a);
    return terms.every((t) => t.factor % b === 0) ? collect(terms.map((t) => ({ ...t, factor: t.factor / b }))) : null;
  }
  if (b.terms.length !== 1) return dimText(a) === b.text ? 1 : null;
  const divisor = b.terms[0]!;
  const quotient: Term[] = [];
  for (const term of termsOf(a)) {
    const atoms = [...term.atoms];
    for (const atom of divisor.atoms) {
      const at = atoms.findIndex((x) => atomText(x) === atomText(atom));
      if (at < 0) return null;
      atoms.splice(at, 1);
    }
    if (term.factor % divisor.factor !== 0) return null;
    quotient.push({ factor: term.factor / divisor.factor, atoms });
  }
  return collect(quotient);
}

export function floorDivDims(a: Dim, b: Dim): Dim {
  if (isStatic(a) && isStatic(b) && b !== 0) return DIM_FUNCTIONS.floordiv(a, b);
  const exact = divideExactly(a, b);
  if (exact !== null) return exact;
  if (isStatic(b) && b > 0 && !isStatic(a)) {
    // Whole multiples of b leave the floor: (2*s + 3) // 2 is s + 1 + 1 // 2.
    const whole = a.terms.map((t) => ({
      ...t,
      factor: t.atoms.length ? (t.factor % b === 0 ? t.factor / b : 0) : Math.floor(t.factor / b),
    }));
    const out = collect(whole.filter((t) => t.factor !== 0));
    const rest = subDims(a, mulDims(out, b));
    if (out !== 0) return addDims(out, floorDivDims(rest, b));
    // floor(floor(x / c) / b) = floor(x / (b * c)) for positive b and c.
    const only =
      a.terms.length === 1 && a.terms[0]!.factor === 1 && a.terms[0]!.atoms.length === 1 ? a.terms[0]!.atoms[0]! : null;
    if (only?.kind === 'call' && only.fn === 'floordiv' && isStatic(only.args[1]) && only.args[1] > 0)
      return floorDivDims(only.args[0], only.args[1] * b);
  }
  return call('floordiv', a, b);
}

export const ceilDivDims = (a: Dim, b: Dim): Dim => negDim(floorDivDims(negDim(a), b));

export function modDims(a: Dim, b: Dim): Dim {
  if (isStatic(a) && isStatic(b) && b !== 0) return DIM_FUNCTIONS.mod(a, b);
  if (divideExactly(a, b) !== null) return 0;
  return call('mod', a, b);
}

/** Smaller of two; `positive` symbols are at least 0, which settles comparisons such as min(s, s + 1). */
export function minDims(a: Dim, b: Dim): Dim {
  if (isStatic(a) && isStatic(b)) return Math.min(a, b);
  const difference = subDims(a, b);
  if (isStatic(difference)) return difference <= 0 ? a : b;
  return dimText(a) < dimText(b) ? call('min', a, b) : call('min', b, a);
}

export function maxDims(a: Dim, b: Dim): Dim {
  if (isStatic(a) && isStatic(b)) return Math.max(a, b);
  const difference = subDims(a, b);
  if (isStatic(difference)) return difference >= 0 ? a : b;
  return dimText(a) < dimText(b) ? call('max', a, b) : call('max', b, a);
}

export function powDims(a: Dim, b: Dim): Dim {
  if (isStatic(b) && b >= 0 && b <= 8) return mulDims(...new Array<Dim>(b).fill(a));
  if (isStatic(a) && isStatic(b)) return a ** b;
  return call('pow', a, b);
}

/** `fn` of a formula over integers. */
export function roundDims(fn: Rounding, of: Formula, args: readonly Dim[]): Dim {
  if (!args.every(isStatic)) return new Expr([{ factor: 1, atoms: [{ kind: 'rounded', fn, of, args }] }]);
  return ROUNDINGS[fn](evaluateFormula(of, args));
}

export const CALLS: Readonly<Record<DimFunction, (a: Dim, b: Dim) => Dim>> = {
  floordiv: floorDivDims,
  mod: modDims,
  min: minDims,
  max: maxDims,
  pow: powDims,
};

/** Replace symbols by other dimensions, for example by names the user chose or by the numbers of one run. */
export function substitute(dim: Dim, values: ReadonlyMap<string, Dim>): Dim {
  if (isStatic(dim)) return dim;
  return addDims(
    ...dim.terms.map(({ factor, atoms }) =>
      mulDims(
        factor,
        ...atoms.map((atom) => {
          if (atom.kind === 'symbol') return values.get(atom.name) ?? symbol(atom.name);
          const args = atom.args.map((arg) => substitute(arg, values));
          return atom.kind === 'call' ? CALLS[atom.fn](args[0]!, args[1]!) : roundDims(atom.fn, atom.of, args);
        }),
      ),
    ),
  );
}

/** The number an expression has for given symbol values; null when a symbol has none. */
export function evaluateDim(dim: Dim, values: ReadonlyMap<string, number>): number | null {
  const result = substitute(dim, values);
  return isStatic(result) ? result : null;
}

const SAMPLES = [2, 3, 5, 8, 13, 16, 24, 37, 64, 96, 101, 128];

/**
 * Whether two dimensions are the same for every value of their symbols. Normal forms settle nearly all cases; where two
 * rounding expressions are written differently, twelve sets of sizes decide.
 */
export function sameDim(a: Dim, b: Dim): boolean {
  if (isStatic(a) && isStatic(b)) return a === b;
  if (dimText(a) === dimText(b)) return true;
  const names = [...symbolsOf(b, symbolsOf(a))].sort();
  return SAMPLES.every((_, round) => {
    const sizes = new Map(names.map((name, i) => [name, SAMPLES[(round + 5 * i) % SAMPLES.length]!]));
    return evaluateDim(a, sizes) === evaluateDim(b, sizes);
  });
}
