/**
 * The graphs of known programs as text: a change of what is written is a readable diff. `UPDATE_GOLDEN=1 npx vitest run
 * test/golden` writes them anew.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { convertProgram } from '../../shared/convert/convert.ts';
import { checkModel } from '../../shared/onnx/check.ts';
import { printModel } from '../../shared/onnx/text.ts';
import { openProgram } from '../../shared/formats/open.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAMS: Readonly<
  Record<string, { readonly file: string; readonly opset: number; readonly keepWeights?: boolean }>
> = {
  'digits-21': { file: 'examples/digits/digits_cnn.pt2', opset: 21 },
  'digits-13': { file: 'examples/digits/digits_cnn.pt2', opset: 13 },
  'digits-linked': { file: 'examples/digits/digits_cnn.pt2', opset: 21, keepWeights: true },
  'bert-dynamic': { file: 'test/conformance/zoo/hf_bert.dyn.pt2', opset: 21 },
  'gpt2-dynamic': { file: 'test/conformance/zoo/hf_gpt2.dyn.pt2', opset: 21 },
  'lstm-dynamic': { file: 'test/conformance/zoo/nn_lstm_bi2.dyn.pt2', opset: 21 },
};

test.each(Object.entries(PROGRAMS))('%s', async (name, { file, opset, keepWeights = false }) => {
  const source = fileSource(join(ROOT, file));
  try {
    const { model } = convertProgram(await openProgram(source), { opset_version: opset, keepWeights });
    checkModel(model);
    const text = printModel(model, { elements: 8, types: true, names: true });
    const golden = join(import.meta.dirname, `${name}.txt`);
    if (process.env['UPDATE_GOLDEN'] === '1' || !existsSync(golden)) writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, 'utf8'));
  } finally {
    source.close();
  }
});
