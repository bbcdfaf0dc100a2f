/**
 * Checkers for JSON that people write: each says what it expects, collects every problem, and knows itself as JSON
 * Schema.
 */
import type { JobProblem } from '../../errors.ts';
import { didYouMean } from '../../nearest.ts';

export interface Check<T> {
  /** Completes "expected ...". */
  readonly expected: string;
  readonly schema: Readonly<Record<string, unknown>>;
  /** undefined when a problem was added. */
  read(value: unknown, path: string, problems: JobProblem[]): T | undefined;
}

export type Checked<C> = C extends Check<infer T> ? T : never;

const SHOWN = 60;
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}

interface Scalar<T> extends Pick<Check<T>, 'expected' | 'schema'> {
  readonly as: (value: unknown) => T | undefined;
  readonly hint?: (value: unknown) => string;
}

/** A value that passes a test as it is, or after `as` made it what it stands for. */
function scalar<T>({ expected, schema, as, hint }: Scalar<T>): Check<T> {
  return {
    expected,
    schema,
    read(value, path, problems) {
      const found = as(value);
      if (found === undefined)
        problems.push({ path, problem: `${shown(value)} is not ${expected}`, hint: hint?.(value) ?? '' });
      return found;
    },
  };
}

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

const within = (value: number, { min = -Infinity, max = Infinity }: Bounds): boolean => value >= min && value <= max;
const limits = ({ min, max }: Bounds): Record<string, number> => ({
  ...(min === undefined ? {} : { minimum: min }),
  ...(max === undefined ? {} : { maximum: max }),
});

function bounded(what: string, { min, max }: Bounds): string {
  if (min === undefined) return what;
  return max === undefined ? `${what} that is at least ${min}` : `${what} from ${min} to ${max}`;
}

export const integer = (bounds: Bounds = {}): Check<number> =>
  scalar({
    expected: bounded('a whole number', bounds),
    schema: { type: 'integer', ...limits(bounds) },
    as: (v) => (typeof v === 'number' && Number.isSafeInteger(v) && within(v, bounds) ? v : undefined),
  });

export const number = (bounds: Bounds = {}): Check<number> =>
  scalar({
    expected: bounded('a number', bounds),
    schema: { type: 'number', ...limits(bounds) },
    as: (v) => (typeof v === 'number' && Number.isFinite(v) && within(v, bounds) ? v : undefined),
  });

export const text: Check<string> = scalar({
  expected: 'a text',
  schema: { type: 'string', minLength: 1 },
  as: (v) => (typeof v === 'string' && v !== '' ? v : undefined),
});

export const yesOrNo: Check<boolean> = scalar({
  expected: 'true or false',
  schema: { type: 'boolean' },
  as: (v) => (typeof v === 'boolean' ? v : undefined),
});

/** One of a few words, in any case; `aliases` are other words for the same. */
export function oneOf<const T extends string>(
  words: readonly T[],
  aliases: Readonly<Record<string, T>> = {},
): Check<T> {
  const meanings = [...words.map((word) => [word, word] as const), ...Object.entries(aliases)];
  const byLower = new Map<string, T>(meanings.map(([written, word]) => [written.toLowerCase(), word]));
  const all = meanings.map(([written]) => written);
  const quoted = words.map((w) => `"${w}"`);
  const expected = quoted.length === 1 ? quoted[0]! : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)!}`;
  return scalar({
    expected,
    schema: { enum: all },
    as: (v) => (typeof v === 'string' ? byLower.get(v.toLowerCase()) : undefined),
    hint: (v) => didYouMean(v, all),
  });
}

export function oneOfNumbers<const T extends number>(numbers: readonly T[]): Check<T> {
  return scalar({
    expected: `${numbers.slice(0, -1).join(', ')} or ${numbers.at(-1)}`,
    schema: { enum: numbers },
    as: (v) => numbers.find((n) => n === v),
  });
}

export function listOf<T>(item: Check<T>, atLeast = 0): Check<readonly T[]> {
  const expected = `a list of items, each ${item.expected}`;
  return {
    expected,
    schema: { type: 'array', items: item.schema, ...(atLeast ? { minItems: atLeast } : {}) },
    read(value, path, problems) {
      if (!Array.isArray(value) || value.length < atLeast) {
        problems.push({ path, problem: `${shown(value)} is not ${expected}`, hint: '' });
        return undefined;
      }
      const items = value.map((v, i) => item.read(v, `${path}[${i}]`, problems));
      return items.every((v) => v !== undefined) ? (items as T[]) : undefined;
    },
  };
}

/** A list, or one item that stands for a list of one; repeated items once. */
export function oneOrMore<T>(item: Check<T>): Check<readonly T[]> {
  const list = listOf(item, 1);
  return {
    expected: `${item.expected}, or a list of these`,
    schema: { oneOf: [item.schema, list.schema] },
    read(value, path, problems) {
      if (Array.isArray(value)) {
        const items = list.read(value, path, problems);
        return items && [...new Set(items)];
      }
      const one = item.read(value, path, problems);
      return one === undefined ? undefined : [one];
    },
  };
}

/** An object with fields of any name. */
export function mapOf<T>(what: string, field: Check<T>, name: RegExp): Check<Readonly<Record<string, T>>> {
  return {
    expected: what,
    schema: { type: 'object', additionalProperties: field.schema, propertyNames: { pattern: name.source } },
    read(value, path, problems) {
      if (!isObject(value)) {
        problems.push({ path, problem: `${shown(value)} is not ${what}`, hint: '' });
        return undefined;
      }
      const entries = Object.entries(value).map(([key, v]) => {
        if (name.test(key)) return [key, field.read(v, `${path}.${key}`, problems)] as const;
        problems.push({ path: `${path}.${key}`, problem: `"${key}" cannot be a name here`, hint: `expected ${what}` });
        return [key, undefined] as const;
      });
      return entries.every(([, v]) => v !== undefined) ? (Object.fromEntries(entries) as Record<string, T>) : undefined;
    },
  };
}

export const either = <A, B>(a: Check<A>, b: Check<B>, takesA: (value: unknown) => boolean): Check<A | B> => ({
  expected: `${a.expected} or ${b.expected}`,
  schema: { oneOf: [a.schema, b.schema] },
  read: (value, path, problems): A | B | undefined => (takesA(value) ? a : b).read(value, path, problems),
});

type Fields = Readonly<Record<string, Check<unknown>>>;
type Read<F extends Fields> = { readonly [K in keyof F]?: Checked<F[K]> };

interface UnknownField {
  /** What is said of a field that does not exist; left out: the nearest one, or all. */
  readonly hint?: (name: string) => string;
}

/** An object with some of these fields and no others. */
export function fieldsOf<F extends Fields>(fields: F, { hint }: UnknownField = {}): Check<Read<F>> {
  const names = Object.keys(fields);
  const hintFor = hint ?? ((name: string) => didYouMean(name, names) || `the options are ${names.join(', ')}`);
  return {
    expected: `an object with some of ${names.map((n) => `"${n}"`).join(', ')}`,
    schema: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(names.map((n) => [n, fields[n]!.schema])),
    },
    read(value, path, problems) {
      if (!isObject(value)) {
        problems.push({
          path,
          problem: `${shown(value)} is not an object`,
          hint: `expected {${names.map((n) => `"${n}": ...`).join(', ')}}`,
        });
        return undefined;
      }
      const result: Record<string, unknown> = {};
      for (const [name, v] of Object.entries(value)) {
        const at = path === '$' ? name : `${path}.${name}`;
        // Only own fields: a job may not say "constructor".
        const check = Object.hasOwn(fields, name) ? fields[name] : undefined;
        if (!check)
          problems.push({
            path: at,
            problem: `there is no option "${name}"`,
            hint: hintFor(name),
          });
        else result[name] = check.read(v, at, problems);
      }
      return result as Read<F>;
    },
  };
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
