/** Programs that PyTorch quantized: every product runs as integers, and the numbers are PyTorch's. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { equalShare, runPt2eCase, writtenOptions } from '../../bench/pt2e-case.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import type { QuantizedForm } from '../../shared/quantize/transfer/quantized-program.ts';
import { convertFile } from '../../shared/steps/convert-file.ts';

const PROGRAMS = join(import.meta.dirname, '../fixtures/pt2e');

test.each(['digits_cnn-x86-static', 'digits_cnn-x86-static-nofold', 'digits_cnn-x86-dynamic'])('%s', async (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = { program: join(PROGRAMS, `${name}.pt2`), data: join(PROGRAMS, 'digits_cnn.npz'), expected: name };
  const { quantized, before, after } = await runPt2eCase(files, folder);
  expect(quantized).toBe(4);
  expect(after.products).toHaveLength(4);
  expect(after.products.filter(({ kernel }) => kernel === null)).toEqual([]);
  expect(before.equal.asWritten).toBe(1);
  expect(after.equal).toEqual({ asWritten: 1, optimized: 1 });
});

/** Operators of a program in another form, and the share of samples equal to PyTorch's. */
async function inForm(name: string, form: QuantizedForm): Promise<{ operators: string[]; equal: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const source = fileSource(join(PROGRAMS, `${name}.pt2`));
  onTestFinished(() => source.close());
  const path = join(folder, 'int8.onnx');
  await convertFile({ source, path, options: {}, weights: 'link', form });
  const { model, close } = await openModel(path);
  onTestFinished(close);
  const files = { program: source.name, data: join(PROGRAMS, 'digits_cnn.npz'), expected: name };
  return {
    operators: [...model.graph.nodes].map(({ op }) => op),
    equal: await equalShare(path, files, await writtenOptions(path)),
  };
}

test.each(['digits_cnn-x86-static', 'digits_cnn-x86-static-nofold', 'digits_cnn-x86-dynamic'])(
  '%s as operators on codes',
  async (name) => {
    const { operators, equal } = await inForm(name, { format: 'QLinear', recipe: 'QDQ_OP_FP32_BIAS' });
    expect(operators.filter((op) => ['ConvInteger', 'MatMulIntegerToFloat'].includes(op))).toHaveLength(4);
    for (const op of ['DequantizeLinear', 'Conv', 'MatMul', 'Gemm']) expect(operators).not.toContain(op);
    expect(equal).toBe(1);
  },
);

test('biases as int32 codes, which onnxruntime adds to the sums', async () => {
  const { operators } = await inForm('digits_cnn-x86-static', { format: 'QLinear', recipe: 'QDQ_OP_INT32_BIAS' });
  expect(operators.filter((op) => op === 'MatMulInteger')).toHaveLength(2);
  expect(operators).not.toContain('MatMulIntegerToFloat');
});
