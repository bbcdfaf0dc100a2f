/** PyTorch's INT8 carried over: every case, format and recipe gives PyTorch's numbers, as far as its codes and scales determine them. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ceilingOf, readCeilings, runIncCase, waysOf } from '../../../bench/inc-case.ts';
import { structureProblems } from '../../../shared/onnx/check.ts';
import { openModel } from '../../../shared/onnx/proto/read.ts';
import { fixturePath, workFolder } from '../fixture.ts';

const inc = (...parts: readonly string[]): string => fixturePath('..', 'inc', ...parts);

describe.each(Object.entries(readCeilings(inc('ceilings.json'))))('%s', (name, ceilings) => {
  test.each(waysOf(ceilings))('$format $recipe', async (how) => {
    const [model] = name.split('-') as [string];
    const folder = workFolder();
    const files = {
      graph: fixturePath(model, 'fp32.onnx'),
      quantized: inc(name, 'best_model.pt'),
      samples: inc(`${model}.npz`),
      expected: inc(name, 'int8.npz'),
    };
    const { equal, worst, top1, codes } = await runIncCase(files, { how, ceilings, folder });
    const ceiling = ceilingOf(ceilings, how);
    expect(equal).toBeGreaterThanOrEqual((ceiling['equal_1e-5'] ?? ceiling['equal_1e-6']) - 0.02);
    if (ceilings.step !== null) expect(worst).toBeLessThanOrEqual(ceiling.max_abs_diff + ceilings.step * 1.001);
    expect(Math.abs(top1 - ceilings.top1)).toBeLessThanOrEqual(0.003);
    expect(codes.found).toBe(codes.all);
    const { model: written, close } = await openModel(join(folder, 'int8.onnx'));
    expect(structureProblems(written)).toEqual([]);
    close();
  });
});

test('an operator that Neural Compressor left in float on purpose hands its numbers over rounded', async () => {
  const ceilings = readCeilings(inc('ceilings.json'))['token_classifier-static']!;
  const { equal } = await runIncCase(
    {
      graph: fixturePath('token_classifier', 'fp32.onnx'),
      quantized: inc('token_classifier-static', 'inc26', 'best_model.fallback.pt'),
      samples: inc('token_classifier.npz'),
      expected: inc('token_classifier-static', 'inc26', 'int8.fallback.npz'),
    },
    { how: { recipe: 'QDQ_OP_FP32_BIAS', format: 'QDQ' }, ceilings, folder: workFolder() },
  );
  expect(equal).toBeGreaterThanOrEqual(ceilings.bias_float!['equal_1e-6'] - 0.02);
});
