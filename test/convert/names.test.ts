/** Names a user gives: inputs, outputs and dynamic dimensions. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { convertProgram, type ConvertOptions } from '../../shared/convert/convert.ts';
import { isFailure } from '../../shared/errors.ts';
import { typeText } from '../../shared/tensor/type.ts';
import { openProgram } from '../../shared/formats/open.ts';

const ROOT = join(import.meta.dirname, '../..');
const BERT = join(ROOT, 'test/conformance/zoo/hf_bert.dyn.pt2');
const DIGITS = join(ROOT, 'examples/digits/digits_cnn.pt2');

async function convert(
  file: string,
  options: ConvertOptions,
): Promise<{ inputs: string[]; warnings: readonly string[] }> {
  const source = fileSource(file);
  try {
    const { model, warnings } = convertProgram(await openProgram(source), options);
    return { inputs: model.graph.inputs.map((v) => `${v.name} ${typeText(v.type!)}`), warnings };
  } finally {
    source.close();
  }
}

test('a chosen name for one dimension', async () => {
  const { inputs, warnings } = await convert(DIGITS, { input_names: ['image'], dynamic_axes: { image: { 0: 'n' } } });
  expect(inputs).toEqual(['image float32[n,1,8,8]']);
  expect(warnings).toEqual([]);
});

test('one name for two sizes that PyTorch recorded as independent: they stay two, and the user is told', async () => {
  const { inputs, warnings } = await convert(BERT, {
    dynamic_axes: { input_ids: { 0: 'n' }, attention_mask: { 0: 'n' } },
  });
  expect(inputs.map((i) => i.replace(/,.*/, ''))).toEqual(['input_ids int64[n', 'attention_mask int64[n_2']);
  expect(warnings.filter((w) => w.includes('independent'))).toHaveLength(1);
});

const REFUSED: readonly (readonly [string, ConvertOptions])[] = [
  ['a fixed dimension', { dynamic_axes: { x: { 1: 'channels' } } }],
  ['an axis that is not there', { dynamic_axes: { x: { 7: 'n' } } }],
  ['an input that is not there', { dynamic_axes: { image: { 0: 'n' } } }],
  ['a name that is none', { dynamic_axes: { x: { 0: 'batch size' } } }],
  ['the same name twice', { input_names: ['a', 'a'] }],
];
test.each(REFUSED)('%s is refused', async (_, options) => {
  await expect(convert(DIGITS, options)).rejects.toSatisfy((e) => isFailure(e, 'BadOption'));
});
