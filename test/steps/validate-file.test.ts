/** Validating a file: the sizes it declares are related as its expressions say, whoever asks. */
import { expect, test } from 'vitest';
import { validateFile } from '../../shared/steps/validate-file.ts';
import { modelFile, npz } from '../runtime/models.ts';

const now = (): number => performance.now();

// onnxruntime knows "2*n" only as a name: read that way, n = 2 would go with a y of 2 rows, which Add refuses.
const DOUBLED = 'g (float[n] x, float["2*n"] y) => (float["2*n"] z) { xx = Concat<axis = 0>(x, x) z = Add(xx, y) }';

test('random inputs fit the expressions of the file', async () => {
  const { checks } = await validateFile({ model: await modelFile(DOUBLED), now });
  expect(checks.filter((check) => !check.passed)).toEqual([]);
  expect(checks.map((check) => check.name)).toContain('runs with n = 2');
});

test('data that contradicts the expressions fails the check of the inputs', async () => {
  const source = await npz({ x: ['float32', [1, 2], [1, 2]], y: ['float32', [1, 3], [1, 2, 3]] });
  const { checks } = await validateFile({ model: await modelFile(DOUBLED), data: { source }, now });
  expect(checks.filter((check) => !check.passed)).toMatchObject([
    { name: 'sample inputs', detail: expect.stringContaining('"y" is float32[3], declared float32[2*n]') },
  ]);
});

test('labels and a reference', async () => {
  const model = await modelFile('g (float[N,2] x) => (float[N,2] y) { y = Neg(x) }');
  const x = ['float32', [2, 2], [1, 2, 4, 3]] as const;
  const data = { source: await npz({ x, label: ['int64', [2], [0n, 0n]] }), labels: 'label' };
  const reference = await npz({ x, y: ['float32', [2, 2], [-1, -2, -4, -3]] });
  expect(await validateFile({ model, data, reference, now })).toMatchObject({
    accuracy: { correct: 1, samples: 2 },
    comparisons: [{ against: 'pytorch', outputs: [{ output: 'y', maxAbsDiff: 0 }] }],
  });
});

test('given up, it runs nothing', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(validateFile({ model: await modelFile(DOUBLED), now, signal })).rejects.toThrow('enough');
});
