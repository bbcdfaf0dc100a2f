/** What a converted model owes and does not owe to PyTorch, where no corpus shows it: rows of docs/guarantees.md. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { openSession } from '../../shared/runtime/session.ts';
import { convertFile } from '../../shared/steps/convert-file.ts';
import { asFloat32 } from '../../shared/tensor/arithmetic.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { encodeNumbers } from '../../shared/tensor/numbers.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/guarantees');
const folder = mkdtempSync(join(tmpdir(), 'torchferry-guarantees-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly outputs: readonly (readonly number[])[];
  readonly warnings: readonly string[];
}

/** Converted, and run once for each array of rows of three numbers. */
async function ran(name: string, inputs: readonly (readonly number[])[]): Promise<Ran> {
  const source = fileSource(join(FIXTURES, `${name}.pt2`));
  const path = join(folder, `${name}.onnx`);
  const { warnings } = await convertFile({ source, path, options: {}, weights: 'embed' });
  source.close();
  const session = await openSession(path);
  try {
    const outputs: number[][] = [];
    for (const numbers of inputs) {
      const x = memoryData('float32', [numbers.length / 3, 3], encodeNumbers('float32', numbers));
      const [first] = (await session.run(new Map([[session.inputs[0]!.name, x]]))).values();
      outputs.push([...asFloat32(first!.memory)]);
    }
    return { outputs, warnings };
  } finally {
    await session.release();
  }
}

const X = [0, 1, 2, 3, 4, 5];

test('a counter among the buffers counts the first run only, and that is said', async () => {
  const { outputs, warnings } = await ran('counter', [X, X]);
  // PyTorch's second call gives twice as much.
  expect(outputs).toEqual([X, X]);
  expect(warnings).toEqual([expect.stringContaining('"steps" in place; ONNX has no state')]);
});

test('a model that draws random numbers says so', async () => {
  const { outputs, warnings } = await ran('noise', [X, X]);
  expect(outputs[0]).not.toEqual(outputs[1]);
  expect(warnings).toEqual([expect.stringContaining('draws random numbers')]);
});

test('dropout in training mode is written as none, and said', async () => {
  const { outputs, warnings } = await ran('dropout', [X]);
  expect(outputs).toEqual([X]);
  expect(warnings).toEqual([expect.stringContaining('dropout was exported in training mode')]);
});

test('a mean of nothing is no number where the size was recorded as 0 or more', async () => {
  expect((await ran('mean-from-zero', [X, []])).outputs).toEqual([
    [1.5, 2.5, 3.5],
    [NaN, NaN, NaN],
  ]);
});

test('a size recorded as at least 2 is taken at its word: the mean of nothing is 0 there', async () => {
  expect((await ran('mean-auto', [X, []])).outputs).toEqual([
    [1.5, 2.5, 3.5],
    [0, 0, 0],
  ]);
});

test('bfloat16 without a kernel is computed in float32', async () => {
  expect((await ran('bfloat16', [X])).outputs).toEqual([[5, 14, 14, 50]]);
});
