/** Samples that equal what PyTorch computed: one counts when all of its outputs do. */
import { expect, test } from 'vitest';
import { equalSamples } from '../../shared/runtime/equal-samples.ts';
import { withSession } from '../../shared/runtime/session.ts';
import type { EqualSamples } from '../../shared/report/report.ts';
import { modelFile, type Numbers, npz } from './models.ts';

const BOTH =
  'g (float[N,2] x) => (float[N,2] y, bool[N,2] isTwo) { two = Constant<value = float {2.0}>() y = Add(x, x) isTwo = Equal(x, two) }';
const X: Numbers = ['float32', [3, 2], [1, 2, 3, 4, 5, 6]];
const flags = (...values: number[]): Numbers => ['bool', [3, 2], values];

async function compared(graph: string, arrays: Readonly<Record<string, Numbers>>): Promise<EqualSamples> {
  const source = await npz(arrays);
  return withSession(await modelFile(graph), {}, (session) => {
    const { inputs, outputs } = session;
    return equalSamples(session, { source, inputs, outputs, atol: 1e-6 });
  });
}

test.each([
  ['all', [2, 4, 6, 8, 10, 12], flags(0, 1, 0, 0, 0, 0), 3, 0],
  ['a float in the last digits', [2.0000005, 4, 6, 8, 10, 12], flags(0, 1, 0, 0, 0, 0), 3, 4.76837158203125e-7],
  ['one float', [2, 4, 6, 8.5, 10, 12], flags(0, 1, 0, 0, 0, 0), 2, 0.5],
  ['two floats of one sample', [2, 4, 6.25, 8.5, 10, 12], flags(0, 1, 0, 0, 0, 0), 2, 0.5],
  ['one float, and a truth of another sample', [2, 4, 6, 8.5, 10, 12], flags(0, 0, 0, 0, 0, 0), 1, 1],
  ['NaN', [2, NaN, 6, 8, 10, 12], flags(0, 1, 0, 0, 0, 0), 2, NaN],
] as const)('%s', async (_, values, isTwo, equal, maxAbsDiff) => {
  const found = await compared(BOTH, { x: X, y: ['float32', [3, 2], values], isTwo });
  expect(found).toEqual({ samples: 3, equal, share: equal / 3, atol: 1e-6, maxAbsDiff });
});

test('rows that fill a fixed batch do not count', async () => {
  const found = await compared('g (float[2,2] x) => (float[2,2] y) { y = Add(x, x) }', {
    x: X,
    output_0: ['float32', [3, 2], [2, 4, 6, 8, 10, 13]],
  });
  expect(found).toMatchObject({ samples: 3, equal: 2, maxAbsDiff: 1 });
});

test('a model without an axis of samples runs once for each', async () => {
  const found = await compared('g (float[2] x) => (float y) { y = ReduceSum<keepdims = 0>(x) }', {
    x: X,
    y: ['float32', [3], [3, 7, 12]],
  });
  expect(found).toMatchObject({ samples: 3, equal: 2, maxAbsDiff: 1 });
});

test.each<[string, string, Numbers, RegExp]>([
  ['other samples', 'float[N,2] y', ['float32', [2, 2], [0, 0, 0, 0]], /"y" is float32\[2,2\]; expected 3 samples/],
  ['another type', 'float[N,2] y', ['int64', [3, 2], [0, 0, 0, 0, 0, 0]], /"y" is int64\[3,2\]/],
  ['other sizes', 'float[N,L] y', ['float32', [3, 1], [0, 0, 0]], /a sample of output "y" is float32\[1\] there/],
])('%s: refused', async (_, output, y, message) => {
  const made = compared(`g (float[N,L] x) => (${output}) { y = Add(x, x) }`, { x: X, y });
  await expect(made).rejects.toMatchObject({
    code: 'BadReferenceData',
    message: expect.stringMatching(message) as string,
  });
});
