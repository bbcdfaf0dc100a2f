/**
 * Plans written out, on models as text: options and ranges, the FP32 model, `---`, the quantized model, `---`, what
 * stays in float and why.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { quantizedText } from './written-text.ts';

const FOLDER = new URL('./cases/', import.meta.url);

test.each(readdirSync(FOLDER).filter((name) => name.endsWith('.txt')))('%s', async (name) => {
  const [before, ...after] = readFileSync(new URL(name, FOLDER), 'utf8').split(/^---\n/m);
  expect(await quantizedText(before!)).toBe(after.join('---\n'));
});
