/** Operators whose kernels lose NaN: named in the facts of a conversion, or carried with `nan: exact`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { NAN, type NaNOption } from '../../shared/choices.ts';
import { type ConvertedFile, convertFile } from '../../shared/steps/convert-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'torchferry-nan-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function converted(corpus: string, name: string, nan?: NaNOption): Promise<ConvertedFile> {
  const source = fileSource(join(import.meta.dirname, corpus, `${name}.pt2`));
  try {
    const path = join(folder, `${name}.${nan}.onnx`);
    return await convertFile({ source, path, options: nan === undefined ? {} : { nan }, weights: 'embed' });
  } finally {
    source.close();
  }
}

describe.each([
  ['nn.functional.max_pool2d', 'aten::max_pool2d'],
  ['topk', 'aten::topk'],
  ['sort', 'aten::sort'],
  ['msort', 'aten::msort'],
  ['scatter_reduce.amax', 'aten::scatter_reduce.two'],
] as const)('%s', (name, operator) => {
  test('is named where nothing is said, and no longer than it was', async () => {
    const [usual, fast, exact] = await Promise.all([undefined, ...NAN].map((nan) => converted('opinfo', name, nan)));
    expect(usual!.facts.losesNaN).toEqual([operator]);
    expect(fast!.facts).toEqual(usual!.facts);
    expect(exact!.facts.losesNaN).toBeUndefined();
    expect(exact!.facts.onnxNodes).toBeGreaterThan(fast!.facts.onnxNodes);
  });
});

test('recurrent layers are named, and carry NaN where it is asked for', async () => {
  const [fast, exact] = await Promise.all(NAN.map((nan) => converted('zoo', 'nn_lstm_bi2.dyn', nan)));
  expect(fast!.facts.losesNaN).toEqual(['aten::lstm.input']);
  expect(exact!.facts.losesNaN).toBeUndefined();
  expect(exact!.facts.onnxNodes).toBeGreaterThan(fast!.facts.onnxNodes);
});

test.each([
  ['opinfo', 'softmax'],
  ['opinfo', 'amax'],
  ['found', 'nn.functional.max_pool2d@30.int32'],
] as const)('%s/%s is not named: it carries NaN, or has none', async (corpus, name) => {
  const [fast, exact] = await Promise.all(NAN.map((nan) => converted(corpus, name, nan)));
  expect(fast!.facts.losesNaN).toBeUndefined();
  expect(exact!.facts).toEqual(fast!.facts);
});
