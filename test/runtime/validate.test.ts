/** Validation of small models: what passes, and that every kind of wrong model fails the check made for it. */
import { describe, expect, test } from 'vitest';
import { readSamples } from '../../shared/runtime/samples.ts';
import type { Declared } from '../../shared/runtime/session.ts';
import { validateModel } from '../../shared/runtime/validate.ts';
import type { ValidationRequest } from '../../shared/runtime/validation-request.ts';
import { mulDims, symbol } from '../../shared/tensor/dim.ts';
import { modelFile, npz, tensor } from './models.ts';

let clock = 0;
/** Each reading one millisecond later. */
const now = (): number => clock++;
const validate = (model: string, request: Partial<ValidationRequest> = {}) => validateModel({ model, now, ...request });
const failed = (validation: Awaited<ReturnType<typeof validate>>) => validation.checks.filter((c) => !c.passed);

const N = symbol('N');
const float = (name: string, shape: Declared['type']['shape']): Declared => ({
  name,
  type: { dtype: 'float32', shape },
});
const NEGATE = 'g (float[N,2] x) => (float[N,2] y) { y = Neg(x) }';

test('a sound model, on random inputs of two sizes', async () => {
  const validation = await validate(await modelFile(NEGATE));
  expect(failed(validation)).toEqual([]);
  expect(validation.checks.map((c) => c.name)).toEqual(
    expect.arrayContaining(['loads', 'runs with N = 2', 'runs with N = 3', 'finite outputs']),
  );
  expect(validation).toMatchObject({
    data: 'random',
    comparisons: [],
    accuracy: null,
    latency: { ratioToFp32: null, batch: 2, medianMs: 1 },
  });
});

test('sizes stay inside what the program allows', async () => {
  const ranges = new Map([['N', { min: 4, max: 4 }]]);
  const validation = await validate(await modelFile(NEGATE), { ranges });
  expect(validation.checks.filter((c) => c.name.startsWith('runs')).map((c) => c.name)).toEqual([
    'runs with N = 4',
    'runs on all samples',
  ]);
});

test('the sample of the archive, and the same numbers repeated for another size', async () => {
  const archive = new Map([['x', tensor('float32', [1, 2], [1, 2])]]);
  const validation = await validate(await modelFile(NEGATE), { archive });
  expect(failed(validation)).toEqual([]);
  expect(validation.data).toBe('archive');
  expect(validation.checks.map((c) => c.name)).toEqual(expect.arrayContaining(['runs with N = 1', 'runs with N = 2']));
});

test('a model that does not load', async () => {
  const validation = await validate('/nowhere/model.onnx');
  expect(failed(validation)).toMatchObject([{ name: 'loads' }]);
});

describe('declarations', () => {
  test.each<[string, Declared[], Declared[], RegExp]>([
    ['a missing output', [float('x', [N, 2])], [float('y', [N, 2]), float('z', [N])], /output "z" is missing/],
    ['an output too many', [float('x', [N, 2])], [], /output "y" was not declared/],
    [
      'another dtype',
      [{ name: 'x', type: { dtype: 'int64', shape: [N, 2] } }],
      [float('y', [N, 2])],
      /input "x" is float32\[N,2\], declared int64\[N,2\]/,
    ],
    ['another rank', [float('x', [N])], [float('y', [N, 2])], /input "x"/],
    ['another size', [float('x', [N, 2])], [float('y', [N, 3])], /output "y"/],
  ])('%s', async (_, inputs, outputs, detail) => {
    const validation = await validate(await modelFile(NEGATE), { declared: { inputs, outputs } });
    expect(failed(validation)).toMatchObject([
      { name: 'declared inputs and outputs', detail: expect.stringMatching(detail) as string },
    ]);
  });

  test('an output whose shape is another expression of the input', async () => {
    const declared = { inputs: [float('x', [N, 2])], outputs: [float('y', [mulDims(2, N), 2])] };
    const right = await modelFile('g (float[N,2] x) => (float[M,2] y) { y = Concat <axis = 0>(x, x) }');
    expect(failed(await validate(right, { declared }))).toEqual([]);
    const wrong = await modelFile('g (float[N,2] x) => (float[M,2] y) { y = Concat <axis = 0>(x, x, x) }');
    const checks = failed(await validate(wrong, { declared }));
    expect(checks.map((c) => c.name)).toEqual(['runs with N = 2', 'runs with N = 3']);
    expect(checks[0]!.detail).toBe('"y" is float32[6,2], declared float32[2*N,2] with N = 2');
  });
});

test('a batch size frozen into the graph shows at the second size', async () => {
  const frozen = await modelFile('g (float[N,2] x) => (float[M,2] y) <int64[2] s = {2, 2}> { y = Reshape(x, s) }');
  expect(failed(await validate(frozen)).map((c) => c.name)).toEqual(['runs with N = 3']);
});

describe('finite outputs', () => {
  const LOG = 'g (float[N] x) => (float[N] y) { y = Log(x) }';
  test('NaN in an output fails', async () => {
    const archive = new Map([['x', tensor('float32', [2], [1, -1])]]);
    expect(failed(await validate(await modelFile(LOG), { archive }))).toMatchObject([
      { name: 'finite outputs', detail: 'output "y" has NaN or infinity' },
    ]);
  });
  test('but not where the reference has it', async () => {
    const archive = new Map([['x', tensor('float32', [2], [1, -1])]]);
    const reference = { inputs: archive, outputs: new Map([['y', tensor('float32', [2], [0, NaN])]]) };
    const validation = await validate(await modelFile(LOG), { archive, reference });
    expect(failed(validation)).toEqual([]);
    expect(validation.comparisons).toMatchObject([{ against: 'pytorch', outputs: [{ withinTolerance: true }] }]);
  });
  test('made-up inputs prove nothing', async () => {
    const validation = await validate(await modelFile('g (float[N,16] x) => (float[N,16] y) { y = Log(x) }'));
    expect(failed(validation)).toEqual([]);
    expect(validation.checks.find((c) => c.name === 'finite outputs')!.detail).toMatch(/not judged/);
  });
});

describe('the reference', () => {
  const inputs = new Map([['x', tensor('float32', [1, 2], [1, 2])]]);
  test('within tolerance, and not', async () => {
    const path = await modelFile(NEGATE);
    for (const [value, within] of [
      [-2.001, true],
      [-2.1, false],
    ] as const) {
      const reference = { inputs, outputs: new Map([['y', tensor('float32', [1, 2], [-1, value])]]) };
      const { comparisons } = await validate(path, { reference });
      expect(comparisons[0]).toMatchObject({ against: 'pytorch', samples: 1, rtol: 1e-3, atol: 1e-4 });
      expect(comparisons[0]!.outputs[0]!.withinTolerance).toBe(within);
    }
  });
  test('of another shape fails', async () => {
    const reference = { inputs, outputs: new Map([['y', tensor('float32', [2, 1], [-1, -2])]]) };
    expect(failed(await validate(await modelFile(NEGATE), { reference }))).toMatchObject([
      { name: 'comparable with the reference', detail: expect.stringContaining('float32[2,1]') as string },
    ]);
  });
});

test('against FP32, with labels, and how long it takes', async () => {
  const fp32 = await modelFile('g (float[N,2] x) => (float[N,2] y) { y = Identity(x) }');
  const other = await modelFile('g (float[N,2] x) => (float[N,2] y) <float[2] d = {0.5, 0}> { y = Add(x, d) }');
  const source = await npz({
    x: ['float32', [4, 2], [0, 1, 0, 0.25, 1, 0, 0.5, 0.25]],
    y: ['int64', [4], [1, 1, 0, 1]],
  });
  const samples = await readSamples(source, [float('x', [N, 2])], { code: 'BadReferenceData', labels: 'y' });
  const before = await validate(fp32, { samples });
  expect(before).toMatchObject({
    data: 'file',
    samples: 4,
    accuracy: { correct: 3, samples: 4, top1: 0.75 },
    comparisons: [],
  });
  const after = await validate(other, { samples, fp32 });
  // Of [0.5, 0.25] the largest was and stays first; [0, 0.25] turns around.
  expect(after.accuracy).toEqual({ correct: 2, samples: 4, top1: 0.5 });
  expect(after.comparisons).toMatchObject([
    { against: 'fp32', samples: 4, outputs: [{ maxAbsDiff: 0.5, meanAbsDiff: 0.25, top1Agreement: 0.75 }] },
  ]);
  // All are off by 0.5, so they keep their order; [0, 0.25] is the second sample.
  expect(after.comparisons[0]!.outputs[0]!.worst).toMatchObject([
    { sample: 0, maxAbsDiff: 0.5, largest: { reference: 1, actual: 1 } },
    { sample: 1, maxAbsDiff: 0.5, largest: { reference: 1, actual: 0 } },
    { sample: 2, maxAbsDiff: 0.5 },
    { sample: 3, maxAbsDiff: 0.5 },
  ]);
  expect(after.latency).toMatchObject({ ratioToFp32: 1, batch: 1 });
});

test('random integers may index a table of two rows', async () => {
  const path = await modelFile('g (int64[N,S] ids) => (float[N,S,1] y) <float[2,1] t = {1, 2}> { y = Gather(t, ids) }');
  expect(failed(await validate(path))).toEqual([]);
});
