/** Symbolic dimensions at run time: each becomes arithmetic on the shape of an input, computed once per graph. */
import {
  type Atom,
  type Dim,
  type DimFunction,
  isStatic,
  mulDims,
  subDims,
  symbol,
  symbolName,
  symbolsOf,
} from '../tensor/dim.ts';
import type { Formula, FormulaFunction, Rounding } from '../tensor/formula.ts';
import type { Builder } from './builder.ts';
import type { Value } from './ir.ts';

/** Where a symbol's number comes from. */
type Source =
  /** `factor * symbol + rest` is the size of that axis. */
  | { readonly kind: 'axis'; readonly of: Value; readonly axis: number; readonly factor: number; readonly rest: Dim }
  | { readonly kind: 'scalar'; readonly value: Value };

const CALL_OPS: Readonly<Record<DimFunction, (op: Builder, a: Value, b: Value) => Value>> = {
  floordiv: (op, a, b) => {
    // ONNX integer Div truncates; dimensions may be negative on the way, so take the remainder of Mod (sign of the
    // divisor) off first.
    const remainder = op.Mod([a, b]);
    return op.Div([op.Sub([a, remainder]), b]);
  },
  mod: (op, a, b) => op.Mod([a, b]),
  min: (op, a, b) => op.Min([a, b]),
  max: (op, a, b) => op.Max([a, b]),
  pow: (op, a, b) =>
    op.Cast([op.Pow([op.Cast([a], { to: 'float64' }), op.Cast([b], { to: 'float64' })])], { to: 'int64' }),
};

const FORMULA_OPS: Readonly<Record<FormulaFunction, (op: Builder, a: Value, b: Value) => Value>> = {
  add: (op, a, b) => op.Add([a, b]),
  mul: (op, a, b) => op.Mul([a, b]),
  div: (op, a, b) => op.Div([a, b]),
  sqrt: (op, a) => op.Sqrt([a]),
};

const ROUNDING_OPS: Readonly<Record<Rounding, (op: Builder, x: Value) => Value>> = {
  // The cast to integers that follows truncates.
  trunc: (_, x) => x,
  floor: (op, x) => op.Floor([x]),
  ceil: (op, x) => op.Ceil([x]),
  round: (op, x) => op.Round([x]),
};

export class DimValues {
  readonly #op: Builder;
  readonly #parent: DimValues | undefined;
  readonly #sources = new Map<string, Source>();
  readonly #scalars = new Map<string, Value>();
  constructor(op: Builder, parent?: DimValues) {
    this.#op = op;
    this.#parent = parent;
  }

  /**
   * Every symbol that a dimension of `value` holds linearly can be read off its shape. Bare ones first; the first
   * binding stays.
   */
  bindShape(value: Value): void {
    value.type?.shape.forEach((dim, axis) => {
      const name = symbolName(dim);
      if (name !== null && !this.knows(name))
        this.#sources.set(name, { kind: 'axis', of: value, axis, factor: 1, rest: 0 });
    });
    value.type?.shape.forEach((dim, axis) => {
      const solved = isStatic(dim) ? null : this.#solve(dim);
      if (solved)
        this.#sources.set(solved.name, { kind: 'axis', of: value, axis, factor: solved.factor, rest: solved.rest });
    });
  }

  /** `dim` as `factor * name + rest`, when `name` is its only unknown symbol and stands in no other term. */
  #solve(dim: Exclude<Dim, number>): { name: string; factor: number; rest: Dim } | null {
    const unknown = [...symbolsOf(dim)].filter((s) => !this.knows(s));
    if (unknown.length !== 1) return null;
    const name = unknown[0]!;
    const term = dim.terms.find(
      (t) => t.atoms.length === 1 && t.atoms[0]!.kind === 'symbol' && t.atoms[0]!.name === name,
    );
    if (!term) return null;
    const rest = subDims(dim, mulDims(term.factor, symbol(name)));
    return symbolsOf(rest).has(name) ? null : { name, factor: term.factor, rest };
  }

  /** `symbol` is the value of this int64 scalar. */
  bindScalar(name: string, value: Value): void {
    if (!this.knows(name)) this.#sources.set(name, { kind: 'scalar', value });
  }

  knows(name: string): boolean {
    return this.#sources.has(name) || (this.#parent?.knows(name) ?? false);
  }

  /** Whether the symbol is read off the shape of `value`. */
  isReadFrom(name: string, value: Value): boolean {
    const source = this.#sources.get(name);
    return source?.kind === 'axis' && source.of === value;
  }

  /** An int64 scalar with the dimension's number. */
  scalar(dim: Dim): Value {
    if (isStatic(dim)) return this.#op.scalar('int64', dim);
    const cached = this.#find(dim.text);
    if (cached) return cached;
    const value = this.#compute(dim);
    value.content = [dim];
    this.#scalars.set(dim.text, value);
    return value;
  }

  /** int64[n]. */
  vector(dims: readonly Dim[]): Value {
    const zero = (): Value => this.#op.ints([0]);
    const parts = dims.map((d) => (isStatic(d) ? this.#op.ints([d]) : this.#op.Unsqueeze([this.scalar(d), zero()])));
    return parts.length === 1 ? parts[0]! : this.#op.Concat(parts, { axis: 0 });
  }

  #find(text: string): Value | undefined {
    return this.#scalars.get(text) ?? (this.#parent ? this.#parent.#find(text) : undefined);
  }

  #compute(dim: Exclude<Dim, number>): Value {
    const terms = dim.terms.map(({ factor, atoms }) => {
      const values = atoms.map((atom) => this.#atom(atom));
      if (factor !== 1 || values.length === 0) values.push(this.#op.scalar('int64', factor));
      return values.reduce((a, b) => this.#op.Mul([a, b]));
    });
    return terms.reduce((a, b) => this.#op.Add([a, b]));
  }

  #atom(atom: Atom): Value {
    if (atom.kind === 'symbol') return this.#symbol(atom.name);
    if (atom.kind === 'rounded')
      return this.#op.Cast([ROUNDING_OPS[atom.fn](this.#op, this.real(atom.of, atom.args))], { to: 'int64' });
    return CALL_OPS[atom.fn](this.#op, this.scalar(atom.args[0]), this.scalar(atom.args[1]));
  }

  /** A float64 scalar with the number of a formula over dimensions. */
  real(formula: Formula, args: readonly Dim[]): Value {
    if (typeof formula === 'number') return this.#op.scalar('float64', formula);
    if ('arg' in formula) return this.#op.Cast([this.scalar(args[formula.arg]!)], { to: 'float64' });
    const [a, b] = formula.of.map((part) => this.real(part, args));
    return FORMULA_OPS[formula.fn](this.#op, a!, b ?? a!);
  }

  #symbol(name: string): Value {
    const cached = this.#find(name);
    if (cached) return cached;
    const source = this.#source(name);
    if (!source) throw new Error(`no value is known for the symbolic dimension ${name}`);
    const value = source.kind === 'scalar' ? source.value : this.#fromAxis(source);
    value.content ??= [symbol(name)];
    this.#scalars.set(name, value);
    return value;
  }

  #fromAxis({ of, axis, factor, rest }: Extract<Source, { kind: 'axis' }>): Value {
    const size = this.#op.Gather([this.#op.Shape([of]), this.#op.scalar('int64', axis)], { axis: 0 });
    const part = rest === 0 ? size : this.#op.Sub([size, this.scalar(rest)]);
    return factor === 1 ? part : this.#op.Div([part, this.#op.scalar('int64', factor)]);
  }

  #source(name: string): Source | undefined {
    return this.#sources.get(name) ?? (this.#parent ? this.#parent.#source(name) : undefined);
  }
}
