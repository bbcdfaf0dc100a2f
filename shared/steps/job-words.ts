/** Options of the quantizer as a job file calls them: for the metadata of what it wrote. */
import { basename } from 'node:path';

/** Those that a job does not call as the quantizer does. */
const WORDS: Readonly<Record<string, string>> = {
  format: 'quant_format',
  full: 'quantize_all',
  observer: 'calibrate_method',
};

const wordOf = (name: string): string =>
  WORDS[name] ?? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Of files the name, because where they lie is nobody else's business. */
export function jobWords({ calibration, observerOptions, ...options }: Readonly<Record<string, unknown>>): object {
  return inWords({
    ...options,
    ...(typeof calibration === 'string' ? { calibration: basename(calibration) } : {}),
    ...(observerOptions as object | undefined),
  });
}

const inWords = (options: object): object =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      wordOf(name),
      // What onnxruntime's tool calls its options stays; a list is one.
      isGroup(value) && name !== 'extraOptions' ? inWords(value) : value,
    ]),
  );

const isGroup = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
