/**
 * What is said of onnxruntime, met in the installed one: each fault by a small model, each missing kernel by a node
 * that does not load. What a newer version no longer has is told, and its row may go.
 */
import { describe, expect, test } from 'vitest';
import { ELEMENT_TYPE_GAPS } from '../../shared/onnx/runtime-facts/element-types.ts';
import { type Fault, FAULTS } from '../../shared/onnx/runtime-facts/faults.ts';
import { PROBED_ON } from '../../shared/onnx/runtime-facts/integer-kernels.ts';
import * as kernels from '../../shared/onnx/runtime-facts/kernels.ts';
import { RUNTIME } from '../../shared/runtime/onnxruntime.ts';
import { type Found, type Given, hasKernel, loads, runs } from './one-node.ts';

/** Whether the installed runtime is newer than the row. */
function isNewer(probedOn: string): boolean {
  const [a, b] = [RUNTIME.version, probedOn].map((v) => v.split('.').map(Number)) as [number[], number[]];
  return a[0]! > b[0]! || (a[0] === b[0] && a[1]! > b[1]!);
}

/** The fault is there; where the runtime is newer than the row and has it no longer, that is said. */
function expectMet(name: string, isThere: boolean, probedOn: string): void {
  if (!isThere && isNewer(probedOn))
    console.warn(`onnxruntime ${RUNTIME.version} no longer has what was probed on ${probedOn}: ${name}`);
  else expect(isThere, `${name}, probed on ${probedOn}, is not met in ${RUNTIME.version}`).toBe(true);
}

const vector = (...values: readonly (number | bigint)[]): Given => ['float32', [values.length], values];
const int64 = (...values: readonly (number | bigint)[]): Given => ['int64', [values.length], values];
const only = (found: Found): readonly (number | bigint)[] | null => found && Object.values(found)[0]!;
const is = (found: Found, ...wanted: readonly (number | bigint)[]): boolean =>
  JSON.stringify(only(found)?.map(String)) === JSON.stringify(wanted.map(String));

const LAYER_NORMALIZATION = `g (float[N,4] f) => (float[N,4] y)
< float two = {2}, float eps = {0.00001}, float[4] s = {1, 1, 1, 1}, float[4] b = {1, 1, 1, 1} >
{
  x16 = Cast<to=16>(f) x = Cast<to=1>(x16) m = ReduceMean<axes=[-1]>(x) c = Sub(x, m) p = Pow(c, two)
  v = ReduceMean<axes=[-1]>(p) ve = Add(v, eps) d = Sqrt(ve) q = Div(c, d) t = Mul(q, s) y = Add(t, b)
}`;
const PADDED = `g (float[1,2,2,2] x) => (float[1,2,2,4] y)
<
  float s = {1}, uint8 z = {0}, int8[2,2,1,1] w = {1, 2, 3, 4}, float ws = {1}, int8 wz = {0},
  int64[2] p = {1, 1}, int64[1] a = {3}
>
{
  q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) dw = DequantizeLinear(w, ws, wz) c = Conv(d, dw)
  q2 = QuantizeLinear(c, s, z) d2 = DequantizeLinear(q2, s, z) pd = Pad(d2, p, , a) q3 = QuantizeLinear(pd, s, z)
  d3 = DequantizeLinear(q3, s, z) dw2 = DequantizeLinear(w, ws, wz) c2 = Conv(d3, dw2)
  q4 = QuantizeLinear(c2, s, z) y = DequantizeLinear(q4, s, z)
}`;
/** Of a length that is no power of 2. */
const WAVE: Given = ['float32', [1, 601, 1], Array.from({ length: 601 }, (_, i) => Math.fround(Math.sin(i * i)))];
const dft = (type: string): string =>
  `g (${type}[1,601,1] x) => (${type}[1,601,2] y) <int64 a = {1}> { y = DFT(x, , a) }`;

/** Text: why it cannot be met here. */
type Probe = (() => Promise<boolean>) | string;
const PROBES: Readonly<Record<keyof typeof FAULTS, Probe>> = {
  reluOfIntegers: async () => {
    const loaded = await Promise.all(
      FAULTS.reluOfIntegers.dtypes.map(
        async (d) => [d, await loads(`g (${d}[N] x) => (${d}[N] y) { y = Relu(x) }`)] as const,
      ),
    );
    return loaded.every(([d, isLoaded]) => isLoaded === (d === 'int8' || d === 'int32'));
  },
  fusedSilu: async () => !(await loads('g (double[N] x) => (double[N] y) { s = Sigmoid(x) y = Mul(x, s) }')),
  swishByOpset: async () => !(await loads('g (float[N] x) => (float[N] y) { y = Swish(x) }', 25)),
  fusedLayerNormalization: async () => !(await loads(LAYER_NORMALIZATION, 16)),
  groupsOfNothing: async () => {
    const text = 'g (float[N,4,2] x, float[4] s) => (float[N,4,2] y) { y = GroupNormalization<num_groups=2>(x, s, s) }';
    return (await runs(text, { x: ['float32', [0, 4, 2], []], s: vector(1, 1, 1, 1) })) === null;
  },
  turnedBernoulli: async () =>
    is(await runs('g (float[N] x) => (float[N] y) { y = Bernoulli(x) }', { x: vector(1, 1, 1) }), 0, 0, 0),
  dequantizedType: async () => {
    const text = 'g (uint8[N] x, float s) => (float16[N] y) { y = DequantizeLinear<output_dtype=10>(x, s) }';
    return (await runs(text, { x: ['uint8', [1], [1]], s: ['float32', [], [1]] }, 23)) === null;
  },
  integersInDouble: async () => {
    const sum = 'g (int32[N] x) => (int32[1] y) { y = ReduceSum(x) }';
    const product = 'g (int64[N] x) => (int64[1] y) { y = ReduceProd(x) }';
    const largest = 2 ** 31 - 1;
    return (
      is(await runs(sum, { x: ['int32', [2], [largest, 1]] }), largest) &&
      is(await runs(product, { x: int64(2n ** 53n + 1n, 1n) }), 2n ** 53n)
    );
  },
  powersInDouble: async () => {
    const text = 'g (int64[N] x, int64[N] n) => (int64[N] y) { y = Pow(x, n) }';
    return !is(await runs(text, { x: int64(3n), n: int64(39n) }), 3n ** 39n);
  },
  remainderInDouble: async () => {
    const text = 'g (int64[N] x, int64[N] n) => (int64[N] y) { y = Mod<fmod=1>(x, n) }';
    return is(await runs(text, { x: int64(2n ** 53n + 1n), n: int64(2n) }), 0);
  },
  einsumInDouble: async () => {
    const text = 'g (int64[N] x) => (int64 y) { y = Einsum<equation="i->">(x) }';
    return is(await runs(text, { x: int64(2n ** 53n, 1n) }), 2n ** 53n);
  },
  stacksOfNothing: async () => {
    const text = 'g (int64[1,2] o, int64[N,2,3] x) => (int64[N,1,3] y) { y = MatMul(o, x) }';
    return (await runs(text, { o: ['int64', [1, 2], [1, 1]], x: ['int64', [0, 2, 3], []] })) === null;
  },
  productOfNothing: 'depends on what the memory held before',
  gemmOfNothing: 'has not shown in a model of one node',
  choiceOfBools: async () =>
    !(await loads('g (bool[N] c, bool[N] x, bool[N] z) => (bool[N] y) { y = Where(c, x, z) }')),
  indicesOfOneHot: async () => {
    const loaded = await Promise.all(
      FAULTS.indicesOfOneHot.dtypes.map((d) =>
        loads(`g (${d}[N] x) => (int64[N,3] y) <int64 n = {3}, int64[2] v = {0, 1}> { y = OneHot(x, n, v) }`),
      ),
    );
    return !loaded.some(Boolean);
  },
  digitsOfDft: async () => {
    const [found, exact] = [
      await runs(dft('float'), { x: WAVE }),
      await runs(dft('double'), { x: ['float64', WAVE[1], WAVE[2]] }),
    ].map((found) => only(found)!.map(Number)) as [number[], number[]];
    return Math.max(...found.map((v, i) => Math.abs(v - exact[i]!))) / Math.max(...exact.map(Math.abs)) > 1e-5;
  },
  extremeOfNothing: async () => {
    const text = 'g (float[N] x) => (float y) { y = ReduceMax<keepdims=0>(x) }';
    return is(await runs(text, { x: vector() }), -Infinity);
  },
  meanOfNothing: async () =>
    is(await runs('g (float[N] x) => (float y) { y = ReduceMean<keepdims=0>(x) }', { x: vector() }), 0),
  extremesLoseNaN: async () => {
    const text = 'g (float[N] x) => (float y) { y = ReduceMax<keepdims=0>(x) }';
    return is(await runs(text, { x: vector(NaN, 1, 2) }), NaN) && is(await runs(text, { x: vector(1, 2, NaN) }), 2);
  },
  signOfChosenZero: async () => {
    const chosen = 'g (bool[N] c, float[N] x, float[N] z) => (float[N] y) { w = Where(c, x, z) y = Reciprocal(w) }';
    const feeds = { c: ['bool', [2], [1, 0]], x: vector(-0, 1), z: vector(1, -0) } as const;
    return is(await runs(chosen, feeds), Infinity, -Infinity);
  },
  openClip: async () => {
    const largest = (2 - 2 ** -23) * 2 ** 127;
    const above = 'g (float[N] x) => (float[N] y) <float low = {0}> { y = Clip(x, low) }';
    const below = 'g (float[N] x) => (float[N] y) <float high = {0}> { y = Clip(x, , high) }';
    return (
      is(await runs(above, { x: vector(Infinity) }), largest) &&
      is(await runs(below, { x: vector(-Infinity) }), -largest)
    );
  },
  numbersForNaN: async () => {
    const cells = { 'LSTM<hidden_size=1': 4, 'GRU<hidden_size=1': 3, 'RNN<hidden_size=1, activations=["Relu"]': 1 };
    const lost = await Promise.all(
      Object.entries(cells).map(async ([cell, count]) => {
        const text = `g (float[1,1,1] x, float[1,${count},1] w, float[1,${2 * count}] b) => (float[1,1,1,1] y)
          { y = ${cell}>(x, w, w, b) }`;
        const w: Given = ['float32', [1, count, 1], new Array<number>(count).fill(1)];
        const b: Given = ['float32', [1, 2 * count], new Array<number>(2 * count).fill(0)];
        return !is(await runs(text, { x: ['float32', [1, 1, 1], [NaN]], w, b }), NaN);
      }),
    );
    return lost.every(Boolean);
  },
  signedActivations: async () => {
    const text = `g (float[N] x) => (float[N] y) <float s = {1}, int8 z = {0}>
      { q = QuantizeLinear<output_dtype=3>(x, s, z) y = DequantizeLinear(q, s, z) }`;
    return !(await loads(text));
  },
  sharedZeroPoint: 'needs an x64 processor without VNNI',
  sharedConstant: 'needs an x64 processor without VNNI',
  slowConvInteger: 'needs an x64 processor without VNNI, and is about time',
  padsOfSomeAxes: async () => (await runs(PADDED, { x: ['float32', [1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]] })) === null,
};

describe('faults', () => {
  test.each(Object.entries(FAULTS) as [keyof typeof FAULTS, Fault][])('%s', async (name, fault) => {
    const probe = PROBES[name];
    expect(fault.probedOn).toMatch(/^1\.\d+$/);
    if (typeof probe === 'string') console.warn(`${name} is not met here: it ${probe}`);
    else expectMet(name, await probe(), fault.probedOn);
  });
});

test('every table says which version it was probed on', () => {
  const tables = [...Object.values(kernels), ELEMENT_TYPE_GAPS, { probedOn: PROBED_ON }];
  for (const { probedOn } of tables) expect(probedOn).toMatch(/^1\.\d+$/);
});

/** A call of each operator whose inputs are more than `x`; `x` is of the type that has no kernel, of shape [1,2,4,4]. */
const CALLS: Readonly<Record<string, string>> = {
  ArgMax: 'ArgMax(x)',
  AveragePool: 'AveragePool<kernel_shape=[2,2]>(x)',
  BitShift: 'BitShift<direction="LEFT">(x, x)',
  Clip: 'Clip(x, s, s)',
  Conv: 'Conv(x, x)',
  ConvTranspose: 'ConvTranspose(x, x)',
  CumProd: 'CumProd(x, axis)',
  CumSum: 'CumSum(x, axis)',
  InstanceNormalization: 'InstanceNormalization(x, v, v)',
  LRN: 'LRN<size=3>(x)',
  LpPool: 'LpPool<kernel_shape=[2,2]>(x)',
  PRelu: 'PRelu(x, x)',
  Pad: 'Pad(x, pads)',
  QuantizeLinear: 'QuantizeLinear(x, s)',
  Range: 'Range(s, s, s)',
  Where: 'Where(c, x, x)',
};
const OTHERS = 'TopK Unique Resize RoiAlign MaxRoiPool Col2Im GRU LSTM RNN Bernoulli'.split(' ');

/** The text of a model with one node; null where a call would need more than is given here. */
function oneNode(operator: string, type: string): string | null {
  if (OTHERS.includes(operator)) return null;
  const call = CALLS[operator] ?? (operator === 'Max' || operator === 'Min' ? `${operator}(x, x)` : `${operator}(x)`);
  return `g (${type}[1,2,4,4] x, ${type}[2] v, ${type} s, bool[1,2,4,4] c) => (y)
    <int64 axis = {0}, int64[8] pads = {0, 0, 0, 0, 0, 0, 0, 0}> { y = ${call} }`;
}

const TYPE_NAMES = { float32: 'float', float64: 'double' } as const;
const typeName = (dtype: string): string => TYPE_NAMES[dtype as keyof typeof TYPE_NAMES] ?? dtype;

interface Missing {
  readonly probedOn: string;
  readonly operator: string;
  readonly dtype: string;
}
const missing = (dtype: string, { probedOn, operators }: typeof kernels.WITHOUT_FLOAT64): Missing[] =>
  [...operators].map((operator) => ({ probedOn, operator, dtype }));
const gaps = Object.entries(ELEMENT_TYPE_GAPS.operators).flatMap(([operator, { through }]) =>
  Object.keys(through).map((dtype): Missing => ({ probedOn: ELEMENT_TYPE_GAPS.probedOn, operator, dtype })),
);
/** The newest opset that lets every operator be asked for these types. */
const opsetOf = ({ operator }: Missing): number => (operator === 'CumProd' ? 26 : 21);

describe('kernels that are missing', () => {
  const rows = [
    ...gaps,
    ...missing('float64', kernels.WITHOUT_FLOAT64),
    ...missing('float16', kernels.WITHOUT_FLOAT16),
  ];
  const asked = rows.flatMap((row) => {
    const text = oneNode(row.operator, typeName(row.dtype));
    return text ? [[`${row.operator} of ${row.dtype}`, text, row] as const] : [];
  });
  test.each(asked)('%s', async (name, text, row) =>
    expectMet(name, !(await hasKernel(text, opsetOf(row))), row.probedOn),
  );
  test.each(asked.map(([, , { operator }]) => operator).filter((op, i, all) => all.indexOf(op) === i))(
    '%s loads with a type that has one, so that nothing else is in its way',
    async (operator) => {
      const types = ['float', 'int32', 'int64', 'uint32', 'bool'].map((type) => oneNode(operator, type)!);
      const loaded = await Promise.all(types.map((text) => loads(text, operator === 'CumProd' ? 26 : 21)));
      expect(loaded).toContain(true);
    },
  );
  test.each(['RandomUniformLike', 'RandomNormalLike'])('%s behind the last opset that has one', async (operator) => {
    const { opset, probedOn } = kernels.RANDOM_UNTIL;
    const text = oneNode(operator, 'float')!;
    expect(await loads(text, opset)).toBe(true);
    expectMet(operator, !(await loads(text, opset + 1)), probedOn);
  });
  test.each(Object.entries(kernels.KERNEL_UNTIL.opsets))('%s behind opset %i', async (operator, opset) => {
    const text = `g (float[1,2,4,4] x, float[1,${operator === 'RoiAlign' ? 4 : 5}] rois) => (y) <int64[1] i = {0}>
      { y = ${operator === 'RoiAlign' ? 'RoiAlign(x, rois, i)' : 'MaxRoiPool<pooled_shape=[1,1]>(x, rois)'} }`;
    expect(await loads(text, opset)).toBe(true);
    expectMet(operator, !(await loads(text, opset + 1)), kernels.KERNEL_UNTIL.probedOn);
  });
  test.each(Object.entries(kernels.FLOAT64_SINCE.opsets))('%s of float64 before opset %i', async (operator, opset) => {
    const text = `g (double[1,2,4,4] x, double[1,3,3,2] grid) => (y) { y = ${operator}(x, grid) }`;
    expect(await loads(text, opset)).toBe(true);
    expectMet(operator, !(await loads(text, opset - 1)), kernels.FLOAT64_SINCE.probedOn);
  });
});
