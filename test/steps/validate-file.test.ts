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

const CODES = `g (float[N,2] x) => (float[N,1] y)
<float s = {1}, uint8 z = {0}, int8[2,1] w = {100, 100}, int8 wz = {0}> {
  q = QuantizeLinear(x, s, z)
  f = DequantizeLinear(q, s, z)
  d = DequantizeLinear(w, s, wz)
  y = MatMul(f, d)
}`;

test.each([
  ['any', false, 'default', false],
  ['any', true, 'default', true],
  ['vnni', true, 'precise', true],
  ['arm64', false, 'default', false],
] as const)('for %s, where sums saturate here: %j', async (processor, addsPairsIn16Bits, judged, hasOther) => {
  const model = await modelFile(CODES);
  const host = { title: 'this', addsPairsIn16Bits };
  const data = { source: await npz({ x: ['float32', [1, 2], [200, 200]] }) };
  const { sums } = await validateFile({ model, fp32: model, data, processor, host, now });
  expect(sums).toMatchObject({ processor: 'this', judged });
  expect(sums!.other?.comparisons.map(({ against }) => against)).toEqual(hasOther ? ['fp32'] : undefined);
  expect(sums!.overflow).toEqual([{ node: 'y', operator: 'MatMul', overflowing: 1, pairs: 1 }]);
});

test('a float model has no sums of codes', async () => {
  expect((await validateFile({ model: await modelFile(DOUBLED), now })).sums).toBeUndefined();
});

test('given up, it runs nothing', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(validateFile({ model: await modelFile(DOUBLED), now, signal })).rejects.toThrow('enough');
});
