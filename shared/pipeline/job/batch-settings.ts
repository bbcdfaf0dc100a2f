/** How the models of a batch are run: what its start, or the first line of its manifest, may say of all of them. */
import { fail } from '../../errors.ts';
import { type Json, MOST_ITEMS_AT_A_TIME } from '../machine/asl.ts';
import { isObject, shown } from './json-reader.ts';

export type BatchSettings = Readonly<Record<string, Json>>;

/** Of what a batch or a row of its manifest says. */
export interface Field {
  isRight(value: Json): boolean;
  readonly expected: string;
}

export const isText = (value: Json): boolean => typeof value === 'string' && value !== '';
const isNumber = (from: number, to: number, value: Json): boolean =>
  typeof value === 'number' && value >= from && value <= to;

export const SETTINGS: Readonly<Record<string, Field & { readonly fallback: Json }>> = {
  options: {
    isRight: (value) => value === null || isObject(value),
    expected: 'an object of job options',
    fallback: null,
  },
  maxConcurrency: {
    isRight: (value) => value === null || (isNumber(1, MOST_ITEMS_AT_A_TIME, value) && Number.isInteger(value)),
    expected: `a whole number from 1 to ${MOST_ITEMS_AT_A_TIME}`,
    fallback: 20,
  },
  toleratedFailurePercentage: {
    isRight: (value) => value === null || isNumber(0, 100, value),
    expected: 'a number from 0 to 100',
    // One bad model must not stop the others.
    fallback: 100,
  },
};

/** Refuses the whole batch, with WrongUsage. */
export const refuseBatch = (problems: readonly string[], hint: string): never =>
  fail('WrongUsage', { problem: `the batch cannot be started: ${problems.join('; ')}`, hint });

/** As its start says, else as its manifest does. */
export const settingsOf = (batch: BatchSettings, said: BatchSettings): BatchSettings =>
  Object.fromEntries(
    Object.entries(SETTINGS).map(([name, { fallback }]) => [name, batch[name] ?? said[name] ?? fallback]),
  );

export const problemsIn = (given: BatchSettings, fields: Readonly<Record<string, Field>>): string[] =>
  Object.entries(fields).flatMap(([field, { isRight, expected }]) => {
    const value = given[field] ?? null;
    return isRight(value) ? [] : [`"${field}" is ${shown(value)}, expected ${expected}`];
  });

/** The first line may be `{ "batch": { ... } }`: what it says of all the others; null: it is one of them. */
export function settingsIn(line: number, text: string): BatchSettings | null {
  const row = parsed(text);
  if (!isObject(row) || !('batch' in row)) return null;
  const hint = `mend line ${line} of the manifest`;
  if (!isObject(row['batch'])) return refuseBatch([`"batch" is ${shown(row['batch'])}, expected an object`], hint);
  const said = row['batch'] as BatchSettings;
  const unknown = Object.keys({ ...row, ...said }).filter((name) => name !== 'batch' && !(name in SETTINGS));
  const problems = [
    ...unknown.map((name) => `"${name}" is none of ${Object.keys(SETTINGS).join(', ')}`),
    ...problemsIn(said, SETTINGS),
  ];
  return problems.length ? refuseBatch(problems, hint) : said;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A row that is no JSON is told of where it is made an item.
    return null;
  }
}
