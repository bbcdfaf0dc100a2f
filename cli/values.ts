/** Option values as typed numbers and choices, or a refusal that says what is expected. */
import { fail } from '../shared/errors.ts';
import type { OptionValues } from './command.ts';

export function text(options: OptionValues, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

export function choice<const T extends string>(
  options: OptionValues,
  name: string,
  { among, fallback }: { readonly among: readonly T[]; readonly fallback: T },
): T {
  const value = text(options, name);
  if (value === undefined) return fallback;
  const found = among.find((a) => a.toLowerCase() === value.toLowerCase());
  return found ?? fail('BadOption', { option: `--${name}`, value, expected: among.join(', ') });
}

export function wholeNumber(options: OptionValues, name: string): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  return /^\d+$/.test(value)
    ? Number(value)
    : fail('BadOption', { option: `--${name}`, value, expected: 'a whole number' });
}

/** `a,b,c`. */
export const names = (options: OptionValues, name: string): string[] | null =>
  text(options, name)
    ?.split(',')
    .map((n) => n.trim()) ?? null;
