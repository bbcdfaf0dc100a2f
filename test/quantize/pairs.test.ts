/** Codes whose sums no processor saturates: random and unkind weights, through an emulated kernel and a real one. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { randomFrom } from '../../shared/runtime/random-inputs.ts';
import { type Possible, withoutVnni } from '../../bench/without-vnni/possible.ts';
import { fixturePath, oneBatch, type Options, quantizeAndWrite, quantizeFixture } from './fixture.ts';
import { channelsLast, columnsOf, exactSum, narrowSum, rowsOf } from './narrow-sums.ts';

interface Recorded {
  operator: 'MatMulInteger' | 'QLinearConv';
  group: number;
  weight: { shape: number[]; values: number[] };
  x: { shape: number[]; values: number[] };
  y: number[];
  step: number;
}
const recorded = JSON.parse(readFileSync(fixturePath('saturation.json'), 'utf8')) as { cases: Recorded[] };

/** onnxruntime's kernels on a processor without VNNI, as they were recorded. */
describe('the emulation is the kernel', () => {
  test.each(recorded.cases)('$operator $weight.shape, $group groups', ({ operator, group, weight, x, y, step }) => {
    const emulate = operator === 'MatMulInteger' ? emulatedProduct : emulatedConv;
    const sums = emulate(weight, x, group);
    const codes = sums.map((sum) => Math.max(0, Math.min(255, roundHalfEven(sum / step) + 128)));
    expect(operator === 'MatMulInteger' ? sums : codes).toEqual(y);
  });
  test('some of these sums saturate', () => {
    const { weight, x, y } = recorded.cases[0]!;
    const exact = rowsOf(x.shape, x.values).flatMap((row) =>
      columnsOf(weight.shape as [number, number], weight.values).map((column) => exactSum(row, column)),
    );
    expect(exact).not.toEqual(y);
  });
});

const roundHalfEven = (x: number): number => {
  const near = Math.round(x);
  return near - x === 0.5 && near % 2 !== 0 ? near - 1 : near;
};

const emulatedProduct = (weight: Recorded['weight'], x: Recorded['x']): number[] =>
  rowsOf(x.shape, x.values).flatMap((row) =>
    columnsOf(weight.shape as [number, number], weight.values).map((column) => narrowSum(row, column)),
  );

function emulatedConv({ shape, values }: Recorded['weight'], x: Recorded['x'], group: number): number[] {
  const [filters, channels] = shape as [number, number];
  const isDepthwise = channels === 1 && filters === group;
  const images = rowsOf([group], x.values).map((image) => channelsLast([1, channels, ...shape.slice(2)], image)[0]!);
  return channelsLast(shape, values).map((filter, m) =>
    (isDepthwise ? exactSum : narrowSum)(images[Math.floor((m * group) / filters)]!, filter),
  );
}

type Weights = (count: number, seed: number) => number[];
const normal: Weights = (count, seed) => {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(6.28 * random()));
};
const WEIGHTS: Readonly<Record<string, Weights>> = {
  'normal numbers': normal,
  'long tails': (count, seed) => normal(count, seed).map((x) => x ** 3),
  'all equal': (count) => new Array<number>(count).fill(-0.37),
  'equal to the last digits': (count, seed) => normal(count, seed).map((x) => 1 + x * 1e-7),
  'one sign': (count, seed) => normal(count, seed).map(Math.abs),
  'halves between codes': (count, seed) => normal(count, seed).map((x) => Math.round(x * 40) + 0.5),
  'tiny beside large': (count, seed) => normal(count, seed).map((x, i) => (i % 7 ? x * 1e-6 : x)),
  'near the smallest of float32': (count, seed) => normal(count, seed).map((x) => x * 1e-34),
};

interface Subject {
  readonly shape: readonly number[];
  readonly input: string;
  readonly output: string;
  readonly node: string;
  /** The codes as they lie in the file, in every order in which a kernel may add them. */
  readonly sums: (codes: ArrayLike<number>) => readonly number[][];
}
const conv = (shape: readonly number[], channels: number, attributes = ''): Subject => ({
  shape,
  input: `N,${channels},8,8`,
  output: `N,${shape[0]},H,W`,
  node: `Conv ${attributes}(x, w)`,
  sums: (codes) => [...rowsOf(shape, codes), ...channelsLast(shape, codes)],
});
const SUBJECTS: Readonly<Record<string, Subject>> = {
  MatMul: {
    shape: [21, 6],
    input: 'N,21',
    output: 'N,6',
    node: 'MatMul(x, w)',
    sums: (codes) => columnsOf([21, 6], codes),
  },
  'MatMul of matrices, one scale for all': {
    shape: [2, 8, 3],
    input: '2,N,8',
    output: '2,N,3',
    node: 'MatMul(x, w)',
    sums: (codes) => rowsOf([2], codes).flatMap((matrix) => columnsOf([8, 3], matrix)),
  },
  Gemm: {
    shape: [9, 4],
    input: 'N,9',
    output: 'N,4',
    node: 'Gemm(x, w)',
    sums: (codes) => columnsOf([9, 4], codes),
  },
  'Gemm, transposed': {
    shape: [4, 10],
    input: 'N,10',
    output: 'N,4',
    node: 'Gemm <transB = 1>(x, w)',
    sums: (codes) => rowsOf([4, 10], codes),
  },
  'Conv 1x1': conv([5, 6, 1, 1], 6),
  'Conv 3x3, few channels': conv([4, 3, 3, 3], 3),
  'Conv 2x2, many channels': conv([3, 17, 2, 2], 17),
  'Conv in groups': conv([6, 3, 1, 3], 6, '<group = 2>'),
  'Conv, two filters for each channel': conv([6, 1, 3, 3], 3, '<group = 3>'),
};

const modelOf = ({ shape, input, output, node }: Subject, values: readonly number[]): string =>
  `<ir_version: 10, opset_import: ["": 21]>
g (float[${input}] x) => (float[${output}] y)
<
  float[${shape.join()}] w = {${values.map((x) => Math.fround(x)).join(', ')}}
>
{
  y = ${node}
}`;

async function codesOf(subject: Subject, weights: Weights, options: Options, seed = 1) {
  const count = subject.shape.reduce((n, size) => n * size, 1);
  const sizes = subject.input.replace('N', '2').split(',').map(Number);
  const values = normal(
    sizes.reduce((n, size) => n * size, 1),
    9,
  );
  const { model, path } = await quantizeAndWrite(parseModel(modelOf(subject, weights(count, seed))), {
    calibration: oneBatch({ x: { shape: sizes, values } }),
    ...options,
  });
  const value = [...model.graph.initializers].find(({ name }) => name === 'w_quantized')!;
  return { path, codes: new Int8Array(await value.data!.read()) };
}

/** The activations that make most of every sum, and their opposites. */
const worstInputs = (w: readonly number[]): number[][] =>
  [1, -1].map((sign) => w.map((factor) => (factor * sign > 0 ? 255 : 0)));

const saturates = (w: readonly number[]): boolean => worstInputs(w).some((x) => narrowSum(x, w) !== exactSum(x, w));

describe.each(Object.entries(SUBJECTS))('%s', (_, subject) => {
  test.each(Object.entries(WEIGHTS))('%s: no sum saturates', async (_, weights) => {
    for (const seed of [1, 2, 3]) {
      const { codes } = await codesOf(subject, weights, {}, seed);
      expect(codes.some((code) => code !== 0)).toBe(true);
      expect(subject.sums(codes).filter(saturates)).toEqual([]);
    }
  });
  test('full range would, and is what the other processors get', async () => {
    for (const processor of ['vnni', 'arm64'] as const) {
      const { codes } = await codesOf(subject, WEIGHTS['one sign']!, { processor });
      expect(subject.sums(codes).some(saturates)).toBe(true);
      expect(Math.max(...codes)).toBe(127);
    }
  });
});

test('a depthwise convolution keeps its full range: its kernel adds in 32 bits', async () => {
  const subject = conv([3, 1, 3, 3], 3, '<group = 3>');
  const [any, vnni] = [
    await codesOf(subject, WEIGHTS['one sign']!, {}),
    await codesOf(subject, WEIGHTS['one sign']!, { processor: 'vnni' }),
  ];
  expect(any.codes).toEqual(vnni.codes);
});

test('reduce_range goes with every processor', async () => {
  for (const processor of ['any', 'vnni'] as const) {
    const { codes } = await codesOf(SUBJECTS['MatMul']!, normal, { processor, reduceRange: true });
    expect(Math.max(...codes.map(Math.abs))).toBe(64);
  }
});

test('the real kernel gives the same by default and precisely, where the processor has no VNNI', async (context) => {
  const there = withoutVnni();
  if ('why' in there) context.skip(`skipped: a processor without VNNI ${there.why}`);
  const safe: string[] = [];
  for (const name of ['MatMul', 'Gemm, transposed', 'Conv 1x1', 'Conv 3x3, few channels', 'Conv in groups'])
    for (const weights of [normal, WEIGHTS['one sign']!, WEIGHTS['halves between codes']!])
      safe.push((await codesOf(SUBJECTS[name]!, weights, {})).path);
  for (const name of ['MatMul', 'Conv 1x1', 'Conv 3x3, few channels'])
    safe.push((await codesOf(SUBJECTS[name]!, WEIGHTS['one sign']!, { activationType: 'QInt8' })).path);
  safe.push((await quantizeFixture('digits_cnn', { approach: 'static', format: 'QDQ' })).path);
  safe.push((await quantizeFixture('token_classifier', { approach: 'dynamic' })).path);
  const unsafe = (await codesOf(SUBJECTS['MatMul']!, WEIGHTS['one sign']!, { processor: 'vnni' })).path;
  const [program, ...more] = [...(there as Possible).command, process.execPath];
  const script = join(fileURLToPath(new URL('.', import.meta.url)), 'default-and-precise.ts');
  const { stdout, status } = spawnSync(program!, [...more, script, unsafe, ...safe], { encoding: 'utf8' });
  expect(status).toBe(0);
  const [first, ...rest] = JSON.parse(stdout) as number[];
  expect(first).toBeGreaterThan(0);
  expect(rest).toEqual(rest.map(() => 0));
});
