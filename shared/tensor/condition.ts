/** Conditions on sizes: comparisons of dimensions, joined by "and" and "or". */
import { type Atom, type Dim, evaluateDim, isStatic, substitute, symbolsOf, type Term } from './dim.ts';
import { evaluateFormula, type Formula } from './formula.ts';

/** A number in double precision over dimensions, not rounded. */
export interface Real {
  readonly of: Formula;
  readonly args: readonly Dim[];
}
export type Quantity = Dim | Real;

export const RELATIONS = {
  eq: { sign: '==', holds: (a: number, b: number) => a === b },
  ne: { sign: '!=', holds: (a: number, b: number) => a !== b },
  lt: { sign: '<', holds: (a: number, b: number) => a < b },
  le: { sign: '<=', holds: (a: number, b: number) => a <= b },
} as const;
export type Relation = keyof typeof RELATIONS;

export interface Comparison {
  readonly kind: 'compare';
  readonly relation: Relation;
  readonly left: Quantity;
  readonly right: Quantity;
}
export type Condition = Comparison | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] };

export const compare = (relation: Relation, left: Quantity, right: Quantity): Comparison => ({
  kind: 'compare',
  relation,
  left,
  right,
});

export const isReal = (quantity: Quantity): quantity is Real => typeof quantity === 'object' && 'of' in quantity;
const dimsOf = (quantity: Quantity): readonly Dim[] => (isReal(quantity) ? quantity.args : [quantity]);

export function comparisonsOf(condition: Condition): readonly Comparison[] {
  return condition.kind === 'compare' ? [condition] : condition.of.flatMap(comparisonsOf);
}

export function symbolsOfCondition(condition: Condition): Set<string> {
  const names = new Set<string>();
  for (const { left, right } of comparisonsOf(condition))
    for (const dim of [...dimsOf(left), ...dimsOf(right)]) symbolsOf(dim, names);
  return names;
}

const NEGATED: Readonly<Record<Relation, (left: Quantity, right: Quantity) => Comparison>> = {
  eq: (left, right) => compare('ne', left, right),
  ne: (left, right) => compare('eq', left, right),
  lt: (left, right) => compare('le', right, left),
  le: (left, right) => compare('lt', right, left),
};

export function negated(condition: Condition): Condition {
  if (condition.kind === 'compare') return NEGATED[condition.relation](condition.left, condition.right);
  return { kind: condition.kind === 'all' ? 'any' : 'all', of: condition.of.map(negated) };
}

/** With every dimension, inside formulas too, replaced. */
export function mapDims(condition: Condition, change: (dim: Dim) => Dim): Condition {
  const changed = (quantity: Quantity): Quantity =>
    isReal(quantity) ? { of: quantity.of, args: quantity.args.map(change) } : change(quantity);
  return condition.kind === 'compare'
    ? compare(condition.relation, changed(condition.left), changed(condition.right))
    : { kind: condition.kind, of: condition.of.map((part) => mapDims(part, change)) };
}

export const substituteIn = (condition: Condition, values: ReadonlyMap<string, Dim>): Condition =>
  mapDims(condition, (dim) => substitute(dim, values));

/** Whether it holds for these sizes; null where one of them is missing. */
export function holdsFor(condition: Condition, sizes: ReadonlyMap<string, number>): boolean | null {
  if (condition.kind === 'compare') {
    const [left, right] = [numberOf(condition.left, sizes), numberOf(condition.right, sizes)];
    return left === null || right === null ? null : RELATIONS[condition.relation].holds(left, right);
  }
  const parts = condition.of.map((part) => holdsFor(part, sizes));
  const decides = condition.kind === 'any';
  return parts.includes(decides) ? decides : parts.includes(null) ? null : !decides;
}

function numberOf(quantity: Quantity, sizes: ReadonlyMap<string, number>): number | null {
  if (!isReal(quantity)) return evaluateDim(quantity, sizes);
  const numbers = quantity.args.map((arg) => evaluateDim(arg, sizes));
  return numbers.every((n) => n !== null) ? evaluateFormula(quantity.of, numbers) : null;
}

const TURNED: Readonly<Record<Relation, string>> = { eq: '==', ne: '!=', lt: '>', le: '>=' };
const isStaticQuantity = (quantity: Quantity): boolean =>
  isReal(quantity) ? quantity.args.every(isStatic) : isStatic(quantity);

/** As Python writes it: `batch % 2 == 0`. */
export function conditionText(condition: Condition): string {
  if (condition.kind === 'compare') {
    const { left, right, relation } = condition;
    // "size >= 4" reads better than "4 <= size".
    const turned = isStaticQuantity(left) && !isStaticQuantity(right) ? TURNED[relation] : null;
    if (turned) return `${quantityText(right)} ${turned} ${quantityText(left)}`;
    return `${quantityText(left)} ${RELATIONS[relation].sign} ${quantityText(right)}`;
  }
  const parts = condition.of.map((part) =>
    part.kind === 'compare' ? conditionText(part) : `(${conditionText(part)})`,
  );
  return parts.join(condition.kind === 'all' ? ' and ' : ' or ');
}

const quantityText = (quantity: Quantity): string =>
  isReal(quantity) ? formulaInfix(quantity.of, quantity.args) : infix(quantity);

/** A dimension with Python's operators. */
export function infix(dim: Dim): string {
  if (isStatic(dim)) return String(dim);
  const [only] = dim.terms;
  if (dim.terms.length === 1 && only!.factor === 1 && only!.atoms.length === 1) return atomText(only!.atoms[0]!);
  return dim.terms.map((term, i) => termText(term, { isFirst: i === 0 })).join('');
}

function termText({ factor, atoms }: Term, { isFirst }: { readonly isFirst: boolean }): string {
  const size = Math.abs(factor);
  const factors = [
    ...(size === 1 && atoms.length ? [] : [String(size)]),
    ...atoms.map((atom) => grouped(atomText(atom))),
  ];
  const sign = factor < 0 ? '-' : '+';
  return `${isFirst ? (factor < 0 ? '-' : '') : ` ${sign} `}${factors.join('*')}`;
}

const OPERATORS = { floordiv: '//', mod: '%', pow: '**' } as const;

function atomText(atom: Atom): string {
  if (atom.kind === 'symbol') return atom.name;
  if (atom.kind === 'rounded') return `${atom.fn}(${formulaInfix(atom.of, atom.args)})`;
  const [a, b] = atom.args.map(infix);
  return atom.fn === 'min' || atom.fn === 'max'
    ? `${atom.fn}(${a}, ${b})`
    : `${grouped(a!)} ${OPERATORS[atom.fn]} ${grouped(b!)}`;
}

/** In brackets, unless it is one name, number or call. */
const grouped = (text: string): string => (/^[\w.]+(\([^()]*\))?$/.test(text) ? text : `(${text})`);

const SIGNS = { add: '+', mul: '*', div: '/' } as const;

function formulaInfix(formula: Formula, args: readonly Dim[]): string {
  if (typeof formula === 'number') return Number.isInteger(formula) ? formula.toFixed(1) : String(formula);
  if ('arg' in formula) return infix(args[formula.arg]!);
  const parts = formula.of.map((part) => formulaInfix(part, args));
  return formula.fn === 'sqrt' ? `sqrt(${parts[0]})` : parts.map(grouped).join(` ${SIGNS[formula.fn]} `);
}
