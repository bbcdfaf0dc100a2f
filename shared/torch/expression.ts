/** Symbolic sizes: the expressions PyTorch writes (sympy's `srepr`, in older files its `str`) as dimensions. */
import { sha256 } from '../bytes/platform.ts';
import { utf8Bytes } from '../bytes/text.ts';
import {
  addDims,
  ceilDivDims,
  type Dim,
  divideExactly,
  dimText,
  floorDivDims,
  isStatic,
  maxDims,
  minDims,
  modDims,
  mulDims,
  powDims,
  roundDims,
  symbol,
} from '../tensor/dim.ts';
import {
  type Formula,
  FORMULA_FUNCTIONS,
  type FormulaFunction,
  type Rounding,
  shiftFormula,
} from '../tensor/formula.ts';
import { EXPRESSION_LIMITS, parseSyntax, type Syntax } from './expression-syntax.ts';

type Fail = (reason: string) => never;

/**
 * A quotient of integer expressions: sympy divides and multiplies in any order, and the whole is an integer in the end.
 * `rounded` marks a floating-point division whose result was rounded: exact arithmetic may not go on from it.
 */
interface Ratio {
  readonly kind: 'ratio';
  readonly over: Dim;
  readonly under: Dim;
  readonly rounded: boolean;
}
/** A number in double precision, as PyTorch computed it with Python's floats. */
interface Real {
  readonly kind: 'real';
  readonly of: Formula;
  readonly args: readonly Dim[];
}
/** `opaque`: a number no dimension can express; its text names it, so that equal texts are the same unknown. */
export type Value = Ratio | Real | { readonly kind: 'opaque' };

const OPAQUE: Value = { kind: 'opaque' };
const ratio = (over: Dim, under: Dim = 1, { rounded = false }: { readonly rounded?: boolean } = {}): Ratio => ({
  kind: 'ratio',
  over,
  under,
  rounded,
});

/** A value as a double: whole numbers and quotients of them are rounded as Python does. */
export function asReal(value: Value): Real | null {
  if (value.kind !== 'ratio') return value.kind === 'real' ? value : null;
  const { over, under } = value;
  const part = (dim: Dim, args: Dim[]): Formula => (isStatic(dim) ? dim : { arg: args.push(dim) - 1 });
  const args: Dim[] = [];
  const numerator = part(over, args);
  return { kind: 'real', of: under === 1 ? numerator : { fn: 'div', of: [numerator, part(under, args)] }, args };
}

function realOf(fn: FormulaFunction, values: readonly Value[]): Value {
  const parts = values.map(asReal);
  // Every operation rounds, and the order of three operands is lost in what was written.
  if (parts.length !== FORMULA_FUNCTIONS[fn].length || !parts.every((part) => part !== null)) return OPAQUE;
  const args: Dim[] = [];
  const of = parts.map((part) => {
    const shifted = shiftFormula(part.of, args.length);
    args.push(...part.args);
    return shifted;
  });
  return { kind: 'real', of: { fn, of }, args };
}

export const isExact = (value: Value): value is Ratio => value.kind === 'ratio' && !value.rounded;

/** More terms than any real shape has; products of sums grow quickly. */
const TERM_LIMIT = 256;
const termCount = (dim: Dim): number => (isStatic(dim) ? 1 : dim.terms.length);

export class Evaluation {
  readonly refuse: Fail;
  constructor(refuse: Fail) {
    this.refuse = refuse;
  }

  times(a: Dim, b: Dim): Dim {
    if (termCount(a) * termCount(b) > TERM_LIMIT) this.refuse(`an expression has more than ${TERM_LIMIT} terms`);
    return this.safe(mulDims(a, b));
  }

  safe(dim: Dim): Dim {
    const numbers = isStatic(dim) ? [dim] : dim.terms.map((term) => term.factor);
    return numbers.every(Number.isSafeInteger)
      ? dim
      : this.refuse(`a size of ${numbers.find((n) => !Number.isSafeInteger(n))} is impossible`);
  }

  add(values: readonly Value[]): Value {
    if (!values.every(isExact)) return realOf('add', values);
    return values.reduce<Ratio>((a, b) => {
      if (dimText(a.under) === dimText(b.under)) return ratio(this.sum(a.over, b.over), a.under);
      return ratio(this.sum(this.times(a.over, b.under), this.times(b.over, a.under)), this.times(a.under, b.under));
    }, ratio(0));
  }

  sum(a: Dim, b: Dim): Dim {
    if (termCount(a) + termCount(b) > TERM_LIMIT) this.refuse(`an expression has more than ${TERM_LIMIT} terms`);
    return this.safe(addDims(a, b));
  }

  multiply(values: readonly Value[]): Value {
    if (!values.every(isExact)) return realOf('mul', values);
    return values.reduce<Ratio>((a, b) => ratio(this.times(a.over, b.over), this.times(a.under, b.under)), ratio(1));
  }

  divide(a: Value, b: Value, { inFloat }: { readonly inFloat: boolean }): Value {
    if (!isExact(a) || !isExact(b)) return realOf('div', [a, b]);
    const over = this.times(a.over, b.under);
    const under = this.times(a.under, b.over);
    if (under === 0) return this.refuse('an expression divides by zero');
    return ratio(over, under, { rounded: inFloat && !isPowerOfTwo(under) });
  }

  /** The integer a value stands for; the division left in it comes out even. */
  integer(value: Value): Dim | null {
    return !isExact(value) ? null : (divideExactly(value.over, value.under) ?? floorDivDims(value.over, value.under));
  }

  integers(values: readonly Value[]): Dim[] | null {
    const dims = values.map((value) => this.integer(value));
    return dims.every((dim) => dim !== null) ? dims : null;
  }

  /** An integer function of integers; opaque where an argument is. */
  on(values: readonly Value[], count: number | null, f: (...dims: Dim[]) => Dim | null): Value {
    if (count === null ? values.length === 0 : values.length !== count)
      this.refuse(`an expression has ${values.length} arguments where ${count ?? 'some'} belong`);
    const dims = this.integers(values);
    const dim = dims && f(...dims);
    return dim === null ? OPAQUE : ratio(this.safe(dim));
  }

  /** Rounding of one value; the division inside need not come out even. */
  round(values: readonly Value[], fn: Rounding, f: (over: Dim, under: Dim) => Dim | null): Value {
    const [value] = values;
    if (!value || values.length !== 1)
      return this.refuse(`an expression has ${values.length} arguments where one belongs`);
    if (value.kind === 'opaque') return OPAQUE;
    if (value.kind === 'real') return ratio(this.safe(roundDims(fn, value.of, value.args)));
    const exact = divideExactly(value.over, value.under) ?? f(value.over, value.under);
    if (exact !== null) return ratio(this.safe(exact));
    const real = asReal(value)!;
    return ratio(this.safe(roundDims(fn, real.of, real.args)));
  }
}

const isPowerOfTwo = (dim: Dim): boolean => isStatic(dim) && dim > 0 && Number.isInteger(Math.log2(dim));
/** Sizes are not negative; nothing is known of a difference, nor of a number that the model computes (`u0`). */
const isNonNegative = (dim: Dim): boolean =>
  isStatic(dim)
    ? dim >= 0
    : dim.terms.every(
        ({ factor, atoms }) =>
          factor > 0 &&
          atoms.every((atom) => (atom.kind === 'symbol' ? !/^u\d/.test(atom.name) : atom.args.every(isNonNegative))),
      );
/** Dividing by a value that could be zero has no result to record. */
const notZero =
  (f: (a: Dim, b: Dim) => Dim) =>
  (a: Dim, b: Dim): Dim | null =>
    b === 0 ? null : f(a, b);
const powerOfTwo = (exponent: Dim): number | null =>
  isStatic(exponent) && exponent >= 0 && exponent <= 52 ? 2 ** exponent : null;

type Apply = (e: Evaluation, values: readonly Value[]) => Value;

const floorDiv: Apply = (e, v) => e.on(v, 2, notZero(floorDivDims));
const mod: Apply = (e, v) => e.on(v, 2, notZero(modDims));
const floor: Apply = (e, v) => e.round(v, 'floor', floorDivDims);
const ceiling: Apply = (e, v) => e.round(v, 'ceil', ceilDivDims);
const truncate: Apply = (e, v) =>
  e.round(v, 'trunc', (over, under) =>
    isNonNegative(over) && isNonNegative(under) ? floorDivDims(over, under) : null,
  );
const round: Apply = (e, v) => e.round(v, 'round', () => null);
const minimum: Apply = (e, v) => e.on(v, null, (...dims) => dims.reduce(minDims));
const maximum: Apply = (e, v) => e.on(v, null, (...dims) => dims.reduce(maxDims));
const sqrt: Apply = (_, v) => realOf('sqrt', v);
const binary =
  (apply: (e: Evaluation, a: Value, b: Value) => Value): Apply =>
  (e, v) =>
    v.length === 2 ? apply(e, v[0]!, v[1]!) : e.refuse(`an expression has ${v.length} arguments where two belong`);
const unary =
  (apply: (e: Evaluation, a: Value) => Value): Apply =>
  (e, v) =>
    v.length === 1 ? apply(e, v[0]!) : e.refuse(`an expression has ${v.length} arguments where one belongs`);
const pow = binary((e, base, power) => {
  if (power.kind === 'ratio' && power.over === 1 && power.under === 2) return sqrt(e, [base]);
  const exponent = e.integer(power);
  if (exponent === -1) return e.divide(ratio(1), base, { inFloat: false });
  if (typeof exponent === 'number' && exponent >= 0 && exponent <= 8)
    return e.multiply(new Array<Value>(exponent).fill(base));
  return e.on([base, power], 2, (a, b) => (isStatic(b) && b < 0 ? null : powDims(a, b)));
});
const divide = binary((e, a, b) => e.divide(a, b, { inFloat: false }));
const divideFloat = binary((e, a, b) => e.divide(a, b, { inFloat: true }));
const same = unary((_, a) => a);
const negative = (e: Evaluation, a: Value): Value => e.multiply([ratio(-1), a]);

/** What guards, and the text of our own conditions, call the same functions. */
const PYTHON_HEADS: Readonly<Record<string, Apply>> = {
  min: minimum,
  max: maximum,
  'torch.sym_min': minimum,
  'torch.sym_max': maximum,
  'torch.sym_float': same,
  float: same,
  'math.trunc': truncate,
  trunc: truncate,
  int: truncate,
  'math.floor': floor,
  'math.ceil': ceiling,
  ceil: ceiling,
  round,
  'math.sqrt': sqrt,
  'torch._sym_sqrt': sqrt,
};

/** Heads of torch.utils._sympy.functions and of sympy. One that is not here stays an unknown of its own. */
const HEADS: Readonly<Record<string, Apply>> = {
  Add: (e, v) => e.add(v),
  Sub: binary((e, a, b) => e.add([a, negative(e, b)])),
  Neg: unary(negative),
  Mul: (e, v) => e.multiply(v),
  Div: divide,
  Pow: pow,
  PowByNatural: pow,
  FloatPow: pow,
  FloorDiv: floorDiv,
  CleanDiv: floorDiv,
  CeilDiv: (e, v) => e.on(v, 2, notZero(ceilDivDims)),
  Mod: mod,
  PythonMod: mod,
  ModularIndexing: (e, v) =>
    e.on(v, 3, (base, divisor, modulus) =>
      divisor === 0 || modulus === 0 ? null : modDims(floorDivDims(base, divisor), modulus),
    ),
  Min: minimum,
  Max: maximum,
  LShift: (e, v) => e.on(v, 2, (a, b) => (powerOfTwo(b) === null ? null : e.times(a, powerOfTwo(b)!))),
  RShift: (e, v) => e.on(v, 2, (a, b) => (powerOfTwo(b) === null ? null : floorDivDims(a, powerOfTwo(b)!))),
  Identity: same,
  ToFloat: same,
  IntTrueDiv: divideFloat,
  FloatTrueDiv: divideFloat,
  FloorToInt: floor,
  CeilToInt: ceiling,
  floor,
  ceiling,
  TruncToInt: truncate,
  RoundToInt: round,
  sqrt,
  OpaqueUnaryFn_sqrt: sqrt,
  ...PYTHON_HEADS,
};

/** Heads whose arguments are literals. */
const LITERALS: Readonly<Record<string, (e: Evaluation, args: readonly Syntax[]) => Value>> = {
  Symbol: (e, [name]) =>
    name?.kind === 'string' && /^\w+$/.test(name.value) ? ratio(symbol(name.value)) : e.refuse('a symbol has no name'),
  Integer: (e, [value]) => (value ? literal(e, value) : e.refuse('a number is missing')),
  Rational: (e, [over, under]) =>
    over && under ? e.divide(literal(e, over), literal(e, under), { inFloat: false }) : e.refuse('a number is missing'),
  Float: (e, [value]) =>
    value?.kind === 'string' ? float(value.value) : value ? literal(e, value) : e.refuse('a number is missing'),
};

function literal(e: Evaluation, syntax: Syntax): Value {
  const [inner] = syntax.kind === 'call' && syntax.head === 'Neg' ? syntax.args : [];
  if (inner) return negative(e, inner.kind === 'number' ? literal(e, inner) : e.refuse('a number is missing'));
  if (syntax.kind !== 'number') return e.refuse('a number is missing');
  return /^\d+$/.test(syntax.text) ? ratio(e.safe(Number(syntax.text))) : float(syntax.text);
}

/** A float with few binary digits is an exact quotient; others only approximate one. */
function float(text: string): Value {
  const value = Number(text);
  for (let under = 1; under <= 1024; under *= 2) {
    if (Number.isInteger(value * under) && Math.abs(value) < 2 ** 31) return ratio(value * under, under);
  }
  return Number.isFinite(value) ? { kind: 'real', of: value, args: [] } : OPAQUE;
}

export function evaluate(e: Evaluation, syntax: Syntax, depth = 0): Value {
  if (depth > EXPRESSION_LIMITS.operations)
    e.refuse(`an expression chains more than ${EXPRESSION_LIMITS.operations} operations`);
  if (syntax.kind === 'number') return literal(e, syntax);
  if (syntax.kind === 'string') return e.refuse('text stands where a size belongs');
  if (syntax.kind === 'name')
    return NAMES.has(syntax.name) || syntax.name.includes('.') ? OPAQUE : ratio(symbol(syntax.name));
  if (Object.hasOwn(LITERALS, syntax.head)) return LITERALS[syntax.head]!(e, syntax.args);
  if (!Object.hasOwn(HEADS, syntax.head)) return OPAQUE;
  return HEADS[syntax.head]!(
    e,
    syntax.args.map((arg) => evaluate(e, arg, depth + 1)),
  );
}

const NAMES: ReadonlySet<string> = new Set(['true', 'false', 'True', 'False', 'oo', 'int_oo', 'zoo', 'nan']);

/**
 * An expression as a dimension. One that no dimension can hold (rounding to even, square roots, choices) becomes a
 * symbol of its own, named after its text: still equal to itself, and to nothing else.
 */
export function parseDim(text: string, refuse: Fail): Dim {
  const e = new Evaluation(refuse);
  const syntax = parseSyntax(text, refuse);
  return e.integer(evaluate(e, syntax)) ?? unknownSize(syntax);
}

function unknownSize(syntax: Syntax): Dim {
  const head = syntax.kind === 'call' ? syntax.head.toLowerCase().replace(/\W/g, '_') : 'expr';
  const hash = sha256();
  hash.update(utf8Bytes(JSON.stringify(syntax)));
  return symbol(`${head}_${hash.hex().slice(0, 8)}`);
}
