/** Floating-point formulas that sizes are rounded from, such as `0.7 * size`: the same doubles as in PyTorch. */

/** A constant, one of the numbers given, or a function of others. */
export type Formula =
  number | { readonly arg: number } | { readonly fn: FormulaFunction; readonly of: readonly Formula[] };

export const FORMULA_FUNCTIONS = {
  add: (a: number, b: number) => a + b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  sqrt: (a: number) => Math.sqrt(a),
} as const;
export type FormulaFunction = keyof typeof FORMULA_FUNCTIONS;

export const ROUNDINGS = {
  trunc: Math.trunc,
  floor: Math.floor,
  ceil: Math.ceil,
  /** Ties to even, as Python rounds. */
  round: (x: number) => {
    const low = Math.floor(x);
    return x - low === 0.5 ? low + (low % 2 === 0 ? 0 : 1) : Math.round(x);
  },
} as const;
export type Rounding = keyof typeof ROUNDINGS;

export function evaluateFormula(formula: Formula, numbers: readonly number[]): number {
  if (typeof formula === 'number') return formula;
  if ('arg' in formula) return numbers[formula.arg]!;
  const [a, b] = formula.of.map((part) => evaluateFormula(part, numbers));
  return (FORMULA_FUNCTIONS[formula.fn] as (a: number, b: number) => number)(a!, b!);
}

/** Function by function, as `Formula` nests: `mul(0.7, s)`. */
export function formulaText(formula: Formula, args: readonly string[]): string {
  if (typeof formula === 'number') return Number.isInteger(formula) ? formula.toFixed(1) : String(formula);
  if ('arg' in formula) return args[formula.arg]!;
  return `${formula.fn}(${formula.of.map((part) => formulaText(part, args)).join(', ')})`;
}

/** The formula over numbers that stand `by` places later. */
export function shiftFormula(formula: Formula, by: number): Formula {
  if (typeof formula === 'number') return formula;
  if ('arg' in formula) return { arg: formula.arg + by };
  return { fn: formula.fn, of: formula.of.map((part) => shiftFormula(part, by)) };
}

/**
 * Whether the result never shrinks when a number grows, for numbers of at least 0: no constant in it is negative, and
 * divisors are constants.
 */
export function isMonotone(formula: Formula): boolean {
  if (typeof formula === 'number') return formula >= 0;
  if ('arg' in formula) return true;
  if (formula.fn === 'div' && !(typeof formula.of[1] === 'number' && formula.of[1] > 0)) return false;
  return formula.of.every(isMonotone);
}
