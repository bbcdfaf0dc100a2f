/** Programs that PyTorch quantized: every product runs as integers, and the numbers are PyTorch's. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runPt2eCase } from '../../bench/pt2e-case.ts';

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
