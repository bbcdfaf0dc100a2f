/** What conditions prove about sizes: equal dimensions written differently, comparisons that always hold. */
import { type Comparison, type Condition, isReal, type Quantity } from './condition.ts';
import {
  addDims,
  type Atom,
  type Dim,
  dimText,
  divideExactly,
  floorDivDims,
  isStatic,
  maxDims,
  minDims,
  modDims,
  mulDims,
  negDim,
  powDims,
  roundDims,
  sameDim,
  subDims,
  symbol,
  symbolsOf,
  type Term,
} from './dim.ts';
import { ANYTHING, CALL_RANGES, IMPLIED, type Interval, times } from './interval.ts';
import { evaluateFormula, isMonotone, ROUNDINGS } from './formula.ts';

/** Expressions of sizes have a handful of terms. */
const TERM_LIMIT = 64;
const termCount = (dim: Dim): number => (isStatic(dim) ? 1 : dim.terms.length);

/** Rewriting ends by itself for what PyTorch writes; this is for what a hostile file might. */
const ROUNDS = 6;

/** A dimension rebuilt term by term; `change` gives an atom's new form. */
function rebuilt(dim: Dim, change: (atom: Atom) => Dim): Dim {
  if (isStatic(dim)) return dim;
  return addDims(...dim.terms.map(({ factor, atoms }) => mulDims(factor, ...atoms.map(change))));
}

const ofAtom = (atom: Atom): Dim => rebuiltAtom(atom, (arg) => arg);

function rebuiltAtom(atom: Atom, change: (dim: Dim) => Dim): Dim {
  if (atom.kind === 'symbol') return symbol(atom.name);
  if (atom.kind === 'rounded') return roundDims(atom.fn, atom.of, atom.args.map(change));
  const [a, b] = [change(atom.args[0]), change(atom.args[1])];
  return REBUILD[atom.fn](a, b);
}

const REBUILD = { floordiv: floorDivDims, mod: modDims, min: minDims, max: maxDims, pow: powDims } as const;

const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));

export class SizeFacts {
  readonly #ranges = new Map<string, Interval>();
  /** Symbols that equations solved for. */
  readonly #solved = new Map<string, Dim>();
  /** Calls that equations give the value of, by their text. */
  readonly #values = new Map<string, Dim>();
  /** Divisions that leave no remainder. */
  readonly #exact: { readonly over: Dim; readonly under: Dim; readonly quotient: string }[] = [];

  constructor(ranges: Iterable<readonly [string, Interval]>) {
    for (const [name, range] of ranges) this.#ranges.set(name, range);
  }

  /** The bounds of a symbol, as far as they were learned. */
  rangeOf(name: string): Interval {
    return this.#ranges.get(name) ?? ANYTHING;
  }

  narrow(name: string, [low, high]: Interval): void {
    const [l, h] = this.rangeOf(name);
    this.#ranges.set(name, [Math.max(l, low), Math.min(h, high)]);
  }

  /** Take an equation as given. */
  learn(condition: Condition): void {
    if (condition.kind === 'all') for (const part of condition.of) this.learn(part);
    if (condition.kind !== 'compare' || condition.relation !== 'eq') return;
    const { left, right } = condition;
    if (isReal(left) || isReal(right)) return;
    const difference = this.#reduced(this.normal(subDims(left, right)));
    if (isStatic(difference)) return;
    if (!this.#learnDivisible(difference)) this.#learnValue(difference);
  }

  /** `x % c == 0`: x is c times something. */
  #learnDivisible(difference: Exclude<Dim, number>): boolean {
    const atom = onlyAtom(difference) ?? onlyAtom(negDim(difference));
    if (atom?.kind !== 'call' || atom.fn !== 'mod') return false;
    const [over, under] = atom.args;
    const whole = onlyAtom(over);
    if (whole?.kind === 'symbol' && isStatic(under) && under > 0) {
      const part = `${whole.name}/${under}`;
      const [low, high] = this.rangeOf(whole.name);
      this.#ranges.set(part, [Math.ceil(low / under), Math.floor(high / under)]);
      this.#solved.set(whole.name, mulDims(under, symbol(part)));
    } else this.#exact.push({ over, under, quotient: dimText(floorDivDims(over, under)) });
    return true;
  }

  /** A term that stands alone in the equation is what the rest says: a symbol first, else a call. */
  #learnValue(difference: Exclude<Dim, number>): void {
    const alone = difference.terms.filter(({ factor, atoms }) => Math.abs(factor) === 1 && atoms.length === 1);
    for (const kind of ['symbol', 'call'] as const) {
      for (const term of alone) {
        const atom = term.atoms[0]!;
        if (atom.kind !== kind) continue;
        const rest = subDims(difference, mulDims(term.factor, ofAtom(atom)));
        const value = term.factor > 0 ? negDim(rest) : rest;
        const text = dimText(ofAtom(atom));
        if (atom.kind === 'symbol') {
          if (symbolsOf(value).has(atom.name)) continue;
          this.#solved.set(atom.name, value);
          this.#bequeath(atom.name, value);
        } else if (dimText(value).length >= text.length) continue;
        else this.#values.set(text, value);
        return;
      }
    }
  }

  /** The range of a solved symbol holds for the one it was solved with. */
  #bequeath(name: string, value: Dim): void {
    const other = onlyAtom(value);
    if (other?.kind === 'symbol') this.narrow(other.name, this.rangeOf(name));
  }

  /** The same number, with everything known put in. */
  normal(dim: Dim): Dim {
    let current = dim;
    if (this.#grown(dim) > TERM_LIMIT) return dim;
    for (let round = 0; round < ROUNDS; round++) {
      const next = this.#divided(rebuilt(current, (atom) => this.#atom(atom)));
      if (dimText(next) === dimText(current) || this.#grown(next) > TERM_LIMIT) return next;
      current = next;
    }
    return current;
  }

  /** Terms it has once its symbols are put in: products of sums grow quickly. */
  #grown(dim: Dim): number {
    if (isStatic(dim)) return 1;
    return dim.terms.reduce((sum, { atoms }) => {
      const sizes = atoms.map((atom) => (atom.kind === 'symbol' ? termCount(this.#solved.get(atom.name) ?? 1) : 1));
      return sum + sizes.reduce((product, size) => product * size, 1);
    }, 0);
  }

  #atom(atom: Atom): Dim {
    if (atom.kind === 'symbol') return this.#solved.get(atom.name) ?? symbol(atom.name);
    const next = rebuiltAtom(atom, (arg) => this.normal(arg));
    const call = onlyAtom(next);
    if (!call || call.kind !== 'call') return next;
    return this.#values.get(dimText(next)) ?? this.#simplified(call) ?? next;
  }

  #simplified({ fn, args: [a, b] }: Extract<Atom, { kind: 'call' }>): Dim | null {
    const [low, high] = this.range(subDims(a, b));
    if (fn === 'min' || fn === 'max') {
      if (low >= 0) return fn === 'max' ? a : b;
      return high <= 0 ? (fn === 'max' ? b : a) : null;
    }
    if (fn === 'pow') return null;
    if (this.range(a)[0] >= 0 && high < 0) return fn === 'mod' ? a : 0;
    const [over, divisor] = [dimText(a), dimText(b)];
    const whole = this.#exact.find((e) => e.quotient === divisor && dimText(e.over) === over);
    if (whole && this.range(b)[0] >= 1) return fn === 'mod' ? 0 : whole.under;
    const common = this.#commonFactor([a, b]);
    if (common === 1) return null;
    const [x, y] = [divideExactly(a, common)!, divideExactly(b, common)!];
    return fn === 'floordiv' ? floorDivDims(x, y) : mulDims(common, modDims(x, y));
  }

  /** `floordiv(x, c) * c` is x where the division is exact. */
  #divided(dim: Dim): Dim {
    if (isStatic(dim)) return dim;
    if (this.#exact.length === 0) return dim;
    const texts = dim.terms.map(({ atoms }) => atoms.map((atom) => dimText(ofAtom(atom))));
    for (const { over, under, quotient } of this.#exact) {
      for (const [i, term] of dim.terms.entries()) {
        const at = texts[i]!.indexOf(quotient);
        if (at < 0) continue;
        const rest = mulDims(term.factor, ...term.atoms.filter((_, i) => i !== at).map(ofAtom));
        const factor = divideExactly(rest, under);
        if (factor !== null) return this.#divided(addDims(subDims(dim, termDim(term)), mulDims(factor, over)));
      }
    }
    return dim;
  }

  /** What divides all terms of all dimensions: a number, and atoms that are at least 1. */
  #commonFactor(dims: readonly Dim[]): Dim {
    const terms = dims.flatMap((dim) => (isStatic(dim) ? [{ factor: dim, atoms: [] }] : dim.terms));
    const [first] = terms;
    if (!first) return 1;
    const shared: Atom[] = [];
    const left = terms.map(({ atoms }) => atoms.map((atom) => dimText(ofAtom(atom))));
    for (const atom of first.atoms) {
      const text = dimText(ofAtom(atom));
      if (!left.every((texts) => texts.includes(text)) || this.range(ofAtom(atom))[0] < 1) continue;
      for (const texts of left) texts.splice(texts.indexOf(text), 1);
      shared.push(atom);
    }
    return mulDims(terms.reduce((g, { factor }) => gcd(g, factor), 0) || 1, ...shared.map(ofAtom));
  }

  /** Each divided by what divides them all. */
  withoutCommon(dims: readonly Dim[]): readonly Dim[] {
    const common = this.#commonFactor(dims.filter((dim) => dim !== 0));
    return common === 1 ? dims : dims.map((dim) => divideExactly(dim, common) ?? dim);
  }

  #reduced(difference: Dim): Dim {
    const common = this.#commonFactor([difference]);
    return common === 1 ? difference : (divideExactly(difference, common) ?? difference);
  }

  range(dim: Dim): Interval {
    if (isStatic(dim)) return [dim, dim];
    return dim.terms
      .map(({ factor, atoms }) => atoms.map((atom) => this.#atomRange(atom)).reduce(times, [factor, factor]))
      .reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
  }

  #atomRange(atom: Atom): Interval {
    if (atom.kind === 'symbol') return this.rangeOf(atom.name);
    const args = atom.args.map((arg) => this.range(arg));
    if (atom.kind === 'call') return CALL_RANGES[atom.fn](args[0]!, args[1]!);
    if (!isMonotone(atom.of) || args.some(([low]) => low < 0)) return ANYTHING;
    const at = (end: 0 | 1): number =>
      ROUNDINGS[atom.fn](
        evaluateFormula(
          atom.of,
          args.map((arg) => arg[end]),
        ),
      );
    return [at(0), at(1)];
  }

  /** Whether two dimensions are one number wherever the conditions hold. */
  isEqual(a: Dim, b: Dim): boolean {
    const [x, y] = [this.normal(a), this.normal(b)];
    return sameDim(x, y) || this.normal(this.#reduced(subDims(x, y))) === 0;
  }

  /** Whether a condition holds for all sizes that the others allow. */
  implies(condition: Condition): boolean {
    if (condition.kind !== 'compare')
      return condition.kind === 'all'
        ? condition.of.every((part) => this.implies(part))
        : condition.of.some((part) => this.implies(part));
    const [low, high] = this.#differenceRange(condition);
    return IMPLIED[condition.relation](low, high);
  }

  #differenceRange({ left, right }: Comparison): Interval {
    if (!isReal(left) && !isReal(right)) {
      const difference = this.#reduced(this.normal(subDims(left, right)));
      const [a, b] = this.range(difference);
      const [c, d] = this.#relaxedRange(difference);
      return [Math.max(a, c), Math.min(b, d)];
    }
    const [[a, b], [c, d]] = [this.#quantityRange(left), this.#quantityRange(right)];
    return [a - d, b - c];
  }

  /** Between bounds of a quotient, `(x - c + 1) / c <= x // c <= x / c`, which may cancel against other terms. */
  #relaxedRange(difference: Dim): Interval {
    if (isStatic(difference)) return ANYTHING;
    for (const term of difference.terms) {
      const atom = term.atoms.length === 1 ? term.atoms[0]! : null;
      if (atom?.kind !== 'call' || atom.fn !== 'floordiv') continue;
      const [over, under] = atom.args;
      if (!isStatic(under) || under < 1) continue;
      const rest = mulDims(under, subDims(difference, termDim(term)));
      const [low, high] = [subDims(over, under - 1), over].map((bound) => addDims(rest, mulDims(term.factor, bound)));
      const [a, b] = term.factor > 0 ? [low!, high!] : [high!, low!];
      return [Math.ceil(this.range(a)[0] / under), Math.floor(this.range(b)[1] / under)];
    }
    return ANYTHING;
  }

  #quantityRange(quantity: Quantity): Interval {
    if (!isReal(quantity)) return this.range(this.normal(quantity));
    const args = quantity.args.map((arg) => this.range(this.normal(arg)));
    if (!isMonotone(quantity.of) || args.some(([low]) => low < 0)) return ANYTHING;
    const at = (end: 0 | 1): number =>
      evaluateFormula(
        quantity.of,
        args.map((arg) => arg[end]),
      );
    return [at(0), at(1)];
  }
}

function onlyAtom(dim: Dim): Atom | null {
  if (isStatic(dim) || dim.terms.length !== 1) return null;
  const { factor, atoms } = dim.terms[0]!;
  return factor === 1 && atoms.length === 1 ? atoms[0]! : null;
}

const termDim = ({ factor, atoms }: Term): Dim => mulDims(factor, ...atoms.map(ofAtom));
