/** The sizes a program is valid for: the conditions worth saying, and what all of them prove. */
import {
  type Comparison,
  compare,
  type Condition,
  conditionText,
  holdsFor,
  isReal,
  negated,
  substituteIn,
} from '../tensor/condition.ts';
import { type Dim, evaluateDim, isStatic, modDims, subDims, symbol, symbolName, symbolsOf } from '../tensor/dim.ts';
import { isMonotone } from '../tensor/formula.ts';
import type { Interval } from '../tensor/interval.ts';
import { SizeFacts } from '../tensor/size-facts.ts';
import type { Guards, SymbolRange } from '../torch/program.ts';

export interface ValidSizes {
  /** Bounds first, then what is left of the guards; none follows from the others or from the shapes. */
  readonly conditions: readonly Condition[];
  /** Proves with every guard. */
  readonly facts: SizeFacts;
}

interface Request {
  readonly guards: Guards;
  /** Of the symbols that stand in the shapes of inputs; others may be left in a file. */
  readonly ranges: ReadonlyMap<string, SymbolRange>;
  /** Names for the symbols of the file. */
  readonly renamed: ReadonlyMap<string, Dim>;
}

/** torch.export assumes that no dynamic size is 0 or 1; nobody asked for that bound. */
const ASSUMED_MINIMUM = 2;
/** PyTorch's names for numbers that the model computes. */
const COMPUTED = /^u\d/;

export function validSizes({ guards, ranges, renamed }: Request): ValidSizes {
  const intervals = new Map<string, Interval>();
  for (const [raw, { min, max }] of ranges) {
    const name = renamed.get(raw) ?? symbol(raw);
    intervals.set(symbolName(name) ?? raw, [min ?? (COMPUTED.test(raw) ? -Infinity : 0), max ?? Infinity]);
  }
  const read = guards.conditions.flatMap((condition) => flattened(substituteIn(condition, renamed)));
  // Those beyond are said as they are.
  const [guarded, rest] = [read.slice(0, PROVED), read.slice(PROVED)];
  const bounds = narrowed(new SizeFacts(intervals), guarded, intervals.keys());
  const known = (): SizeFacts => new SizeFacts([...intervals.keys()].map((name) => [name, bounds.rangeOf(name)]));
  const all = guarded.map((condition) => simplified(condition, known));
  const facts = known();
  for (const condition of all) facts.learn(condition);
  const limits = [...intervals.keys()].flatMap((name) =>
    COMPUTED.test(name) ? [] : limitsOf(name, bounds.rangeOf(name)),
  );
  const conditions = [...limits, ...independent(all, known), ...rest];
  return { conditions: withoutFixed(conditions, intervals.keys(), facts), facts };
}

/** A size that can only be one number is that number in the model's own type. */
function withoutFixed(conditions: readonly Condition[], names: Iterable<string>, facts: SizeFacts): Condition[] {
  const fixed = new Map<string, Dim>();
  for (const name of names) {
    const value = facts.normal(symbol(name));
    if (isStatic(value)) fixed.set(name, value);
  }
  return conditions
    .map((condition) => substituteIn(condition, fixed))
    .filter((condition) => holdsFor(condition, new Map()) !== true);
}

/** Without what follows from those before, then without what follows from all others. */
function independent(conditions: readonly Condition[], known: () => SizeFacts): readonly Condition[] {
  const said = known();
  const kept = new Map<string, Condition>();
  for (const condition of conditions) {
    if (said.implies(condition)) continue;
    said.learn(condition);
    kept.set(conditionText(condition), condition);
  }
  if (kept.size > COMPARED) return [...kept.values()];
  for (const [text, condition] of kept) {
    const others = known();
    for (const [name, other] of kept) if (name !== text) others.learn(other);
    if (others.implies(condition)) kept.delete(text);
  }
  return [...kept.values()];
}

/** Real programs have tens of guards, large ones hundreds; proofs take time that grows faster than their number. */
const PROVED = 300;

/** Holding each against all others takes the square of their number. */
const COMPARED = 40;

const flattened = (condition: Condition): readonly Condition[] =>
  condition.kind === 'all' ? condition.of.flatMap(flattened) : [condition];

function limitsOf(name: string, [low, high]: Interval): Condition[] {
  return [
    ...(low > ASSUMED_MINIMUM ? [compare('le', low, symbol(name))] : []),
    ...(high < Infinity ? [compare('le', symbol(name), high)] : []),
  ];
}

/** Guards over one symbol that only bound it become its range. */
function narrowed(facts: SizeFacts, conditions: readonly Condition[], names: Iterable<string>): SizeFacts {
  const known = new Set(names);
  for (const condition of conditions) {
    const bound = condition.kind === 'compare' ? boundOf(condition, facts) : null;
    if (bound && known.has(bound.name)) facts.narrow(bound.name, bound.range);
  }
  return facts;
}

function boundOf({ relation, left, right }: Comparison, facts: SizeFacts): { name: string; range: Interval } | null {
  if (isReal(left) || isReal(right) || relation === 'eq') return null;
  // `difference` grows with the size; which of the two signs does is tried.
  for (const [difference, grows] of [
    [subDims(left, right), true],
    [subDims(right, left), false],
  ] as const) {
    const [name, ...others] = symbolsOf(difference);
    if (name === undefined || others.length > 0 || !growsWith(difference)) continue;
    const [low] = facts.rangeOf(name);
    if (!(low >= 0)) continue;
    const at = (size: number): number => evaluateDim(difference, new Map([[name, size]]))!;
    const above = (limit: number): number => firstSize(low, (size) => at(size) > limit);
    if (relation === 'ne') return at(low) === 0 ? { name, range: [above(0), Infinity] } : null;
    const isStrict = relation === 'lt';
    // left < right: the difference is negative, or, turned round, positive.
    if (grows) return { name, range: [low, above(isStrict ? -1 : 0) - 1] };
    return { name, range: [above(isStrict ? 0 : -1), Infinity] };
  }
  return null;
}

/** Whether a larger size never makes it smaller, as far as its form tells. */
function growsWith(dim: Dim): boolean {
  return (
    isStatic(dim) ||
    dim.terms.every(
      ({ factor, atoms }) =>
        atoms.length === 0 ||
        (factor > 0 &&
          atoms.length === 1 &&
          atoms.every((atom) => {
            if (atom.kind === 'symbol') return true;
            if (atom.kind === 'rounded') return isMonotone(atom.of) && atom.args.every(growsWith);
            if (atom.fn === 'floordiv') return growsWith(atom.args[0]) && isStatic(atom.args[1]) && atom.args[1] > 0;
            return (atom.fn === 'min' || atom.fn === 'max') && atom.args.every(growsWith);
          })),
    )
  );
}

const LARGEST = 2 ** 40;

/** The first size from `low` on that fits, of a property that stays once it holds; beyond all sizes if none does. */
function firstSize(low: number, fits: (size: number) => boolean): number {
  if (fits(low)) return low;
  let [no, yes] = [low, Math.max(1, low * 2)];
  while (!fits(yes)) {
    if (yes > LARGEST) return Infinity;
    [no, yes] = [yes, yes * 2];
  }
  while (yes - no > 1) {
    const middle = Math.floor((no + yes) / 2);
    if (fits(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}

/** The same condition without what both sides share, and without alternatives that add nothing. */
function simplified(condition: Condition, known: () => SizeFacts): Condition {
  if (condition.kind !== 'compare')
    return condition.kind === 'any'
      ? simplifiedChoice(condition.of, known)
      : { kind: 'all', of: condition.of.map((part) => simplified(part, known)) };
  const { relation, left, right } = condition;
  if (isReal(left) || isReal(right)) return condition;
  const facts = known();
  const [a, b] = facts.withoutCommon([facts.normal(left), facts.normal(right)]);
  const divided = relation === 'eq' ? (wholeMultiple(a!, b!) ?? wholeMultiple(b!, a!)) : null;
  return divided ?? compare(relation, a!, b!);
}

function simplifiedChoice(parts: readonly Condition[], known: () => SizeFacts): Condition {
  const left = parts.map((part) => simplified(part, known));
  for (let i = 0; i < left.length && left.length > 1;) {
    const facts = known();
    facts.learn(left[i]!);
    const others = left.filter((_, at) => at !== i);
    if (others.some((other) => facts.implies(other)) || known().implies(negated(left[i]!))) left.splice(i, 1);
    else i++;
  }
  return left.length === 1 ? left[0]! : { kind: 'any', of: left };
}

/** `x == c * ((x + k) // c)` with k below c says that c divides x. */
function wholeMultiple(x: Dim, multiple: Dim): Condition | null {
  const [term, ...others] = isStatic(multiple) ? [] : multiple.terms;
  const atom = term?.atoms.length === 1 && others.length === 0 ? term.atoms[0]! : null;
  if (atom?.kind !== 'call' || atom.fn !== 'floordiv' || atom.args[1] !== term!.factor) return null;
  const rest = subDims(atom.args[0], x);
  return isStatic(rest) && rest >= 0 && rest < term!.factor ? compare('eq', modDims(x, term!.factor), 0) : null;
}
