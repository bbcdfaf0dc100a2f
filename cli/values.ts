/** Option values as typed numbers and choices, or a refusal that says what is expected. */
import { type QuantFormat, QUANT_FORMAT_NAMES, QUANT_FORMATS } from '../shared/choices.ts';
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

/** `--quant-format`, by name or by another name of it. */
export function quantFormat(options: OptionValues, fallback: QuantFormat): QuantFormat {
  const aliases = QUANT_FORMAT_NAMES.flatMap((name) =>
    QUANT_FORMATS[name].aliases.map((alias) => [alias, name] as const),
  );
  const meanings = new Map<string, QuantFormat>([
    ...QUANT_FORMAT_NAMES.map((name) => [name, name] as const),
    ...aliases,
  ]);
  return meanings.get(choice(options, 'quant-format', { among: [...meanings.keys()], fallback }))!;
}

/** A choice among numbers. */
export function oneOfNumbers<const T extends number>(
  options: OptionValues,
  name: string,
  { among, fallback }: { readonly among: readonly T[]; readonly fallback: T },
): T {
  const chosen = choice(options, name, { among: among.map(String), fallback: String(fallback) });
  return among.find((number) => String(number) === chosen)!;
}

/** `auto`, or a number from 0 to 1. */
export function autoOrShare(options: OptionValues, name: string): number | 'auto' | undefined {
  const value = text(options, name);
  if (value === undefined || value === 'auto') return value;
  const share = value.trim() === '' ? NaN : Number(value);
  return share >= 0 && share <= 1
    ? share
    : fail('BadOption', { option: `--${name}`, value, expected: '"auto", or a number from 0 to 1' });
}

export function wholeNumber(options: OptionValues, name: string): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  return /^\d+$/.test(value)
    ? Number(value)
    : fail('BadOption', { option: `--${name}`, value, expected: 'a whole number' });
}

export function number(options: OptionValues, name: string): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  return value.trim() !== '' && Number.isFinite(Number(value))
    ? Number(value)
    : fail('BadOption', { option: `--${name}`, value, expected: 'a number' });
}

/** `a,b,c`. */
export const names = (options: OptionValues, name: string): string[] | null =>
  text(options, name)
    ?.split(',')
    .map((n) => n.trim()) ?? null;
