/** Failures name files as whoever uploaded them knows them, not by where a function keeps its copies. */
import { sep } from 'node:path';
import { FerryError } from '../../errors.ts';

/** The error with every path below a folder cut to what follows it. */
export function withoutFolder(error: unknown, folder: string): unknown {
  const cut = (text: string): string => text.replaceAll(folder + sep, '');
  if (error instanceof FerryError) {
    const details = strings(error.details, cut) as typeof error.details;
    const named = new FerryError(error.code, details, error.cause);
    if (error.stack !== undefined) named.stack = cut(error.stack);
    return named;
  }
  if (error instanceof Error) error.message = cut(error.message);
  return error;
}

/** The same value with each string in it changed. */
function strings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each) => strings(each, change));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, strings(each, change)]));
}
