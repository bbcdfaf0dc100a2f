/** quantizeModel as a whole: facts for the report, what is refused, what is left alone. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isFailure } from '../../shared/errors.ts';
import type { Batch } from '../../shared/runtime/samples.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { quantizeModel } from '../../shared/quantize/quantize.ts';
import { typedModel } from '../onnx/typed.ts';
import { feedsOf, oneBatch, quantizeAndWrite, quantizeFixture, workFolder } from './fixture.ts';

const MODEL = `<ir_version: 10, opset_import: ["": 21]>
g (float[N,1,2,2] x) => (float[N,1,2,2] y)
<
  float[1,1,1,1] w = {2},
  float[1] b = {0.5}
>
{
  c = Conv(x, w, b)
  e = Exp(c)
  y = Conv(e, w)
}`;
const DATA = { x: { shape: [1, 1, 2, 2], values: [-1, 0, 0.5, 1] } };

async function failureOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work;
  } catch (error) {
    if (isFailure(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('it was not refused');
}

test('the report gets counts, reasons and layers, worst first', async () => {
  const { facts } = await quantizeFixture('digits_cnn', {});
  expect(facts).toMatchObject({
    approach: 'static',
    format: 'QDQ',
    quantized: 7,
    skipped: [],
    calibration: { method: 'MinMax', samples: 100 },
  });
  // MaxPool and Flatten only move codes.
  expect(facts.layers.map((l) => l.operator).sort()).toEqual(['Add', 'Conv', 'Conv', 'Gemm', 'Gemm']);
  const sqnr = facts.layers.map((l) => l.sqnr!);
  expect(sqnr).toEqual([...sqnr].sort((a, b) => a - b));
  expect(sqnr[0]).toBeGreaterThan(30);
});

test('layers carry the PyTorch module', async () => {
  const model = typedModel(MODEL);
  for (const node of model.graph.nodes)
    node.origin = { operator: 'aten::conv2d', module: `net.${node.op}`, line: null };
  const { facts } = await quantizeAndWrite(model, { calibration: oneBatch(DATA) });
  expect(facts.layers.map((l) => l.module)).toEqual(['net.Conv', 'net.Conv']);
  expect(facts.skipped).toEqual([{ node: '', operator: 'Exp', reason: 'it has no quantized form' }]);
});

test('a model that names no types of its values is quantized as one that does', async () => {
  const text = MODEL.replace('y = Conv(e, w)', 'f = MatMul(e, m)\n  h = Add(f, v)\n  y = Relu(h)').replace(
    'float[1] b = {0.5}',
    'float[1] b = {0.5}, float[2,2] m = {1, 2, 3, 4}, float[2] v = {1, -1}',
  );
  const files = [parseModel(text), typedModel(text)].map(async (model) => {
    const { path } = await quantizeAndWrite(model, { calibration: oneBatch(DATA) });
    return readFileSync(path);
  });
  const [untyped, typed] = await Promise.all(files);
  // The bias of a Linear stays float where the rank of its sum is known.
  expect(untyped!.equals(typed!)).toBe(true);
});

test('nothing is left in the work folder', async () => {
  const folder = workFolder();
  await quantizeModel(typedModel(MODEL), {
    approach: 'static',
    format: 'QLinear',
    calibration: oneBatch(DATA),
    workFolder: folder,
  });
  expect(readdirSync(folder)).toEqual([]);
});

test('a model without types is quantized too', async () => {
  const { facts } = await quantizeAndWrite(parseModel(MODEL), { calibration: oneBatch(DATA) });
  expect(facts.quantized).toBe(2);
});

test('dynamic: format does not apply, no calibration is needed, layers are measured where there is data', async () => {
  const without = await quantizeFixture('token_classifier', { approach: 'dynamic', calibration: noData() });
  expect(without.facts).toMatchObject({
    approach: 'dynamic',
    format: 'QLinear',
    calibration: null,
    quantized: 4,
    layers: [],
  });
  const { facts } = await quantizeFixture('token_classifier', { approach: 'dynamic' });
  expect(facts.layers).toHaveLength(4);
});

async function* noData(): AsyncGenerator<Batch> {}

describe('keepFloat', () => {
  test.each([
    ['a node name', '/conv1/Conv'],
    ['an operator type', 'Gemm'],
  ])('takes %s', async (_, entry) => {
    const { facts, model } = await quantizeFixture('digits_cnn', { keepFloat: [entry] });
    const kept = facts.skipped.filter((s) => s.reason === `kept in float by "${entry}"`);
    expect(kept.length).toBeGreaterThan(0);
    for (const { node, operator } of kept) {
      const float = [...model.graph.nodes].find((n) => n.name === node)!;
      expect(float.op).toBe(operator);
      expect(
        float.inputs.every(
          (input) => input?.producer?.op !== 'DequantizeLinear' || input.producer.inputs[0]?.producer !== null,
        ),
      ).toBe(true);
    }
  });

  test('takes a module with everything below it', async () => {
    const model = typedModel(MODEL);
    for (const [i, node] of [...model.graph.nodes].entries())
      node.origin = { operator: 'aten::conv2d', module: ['a.b', 'a.b', 'ab'][i]!, line: null };
    const { facts } = await quantizeAndWrite(model, { calibration: oneBatch(DATA), keepFloat: ['a'] });
    expect([facts.quantized, facts.skipped.map((s) => s.operator)]).toEqual([1, ['Conv', 'Exp']]);
  });

  test('refuses what fits nothing', async () => {
    expect(await failureOf(quantizeFixture('digits_cnn', { keepFloat: ['conv9'] }))).toMatchObject({
      code: 'BadOption',
      message: expect.stringContaining('conv9') as string,
    });
  });
});

describe('refusals', () => {
  const quantizeText = (text: string, calibration?: AsyncIterable<Batch>) =>
    quantizeAndWrite(typedModel(text), { ...(calibration ? { calibration } : {}), calibrationFile: 'calib.npz' });

  test('static without calibration data', async () => {
    expect((await failureOf(quantizeText(MODEL))).code).toBe('BadCalibrationData');
  });
  test('no samples', async () => {
    expect(await failureOf(quantizeText(MODEL, noData()))).toMatchObject({
      code: 'BadCalibrationData',
      message: expect.stringContaining('no samples') as string,
    });
  });
  test.each([NaN, Infinity, -Infinity])(
    '%d in an activation, with the tensor named; also where it does not come first',
    async (value) => {
      const data = { x: { shape: [1, 1, 2, 2], values: [0, 1, value, 2] } };
      const failure = await failureOf(quantizeText(MODEL, oneBatch(data)));
      expect(failure.code).toBe('BadCalibrationData');
      expect(failure.message).toMatch(/"calib.npz".*"x" has NaN or infinity/);
    },
  );
  test('inputs the model does not take', async () => {
    expect((await failureOf(quantizeText(MODEL, oneBatch({ z: DATA.x })))).code).toBe('ModelDoesNotRun');
  });
  test('nothing to quantize, with the reasons', async () => {
    const text = `<ir_version: 10, opset_import: ["": 21]> g (float[N] x) => (float[N] y) { y = Exp(x) }`;
    const failure = await failureOf(quantizeText(text, oneBatch({ x: { shape: [1], values: [1] } })));
    expect(failure.code).toBe('NothingToQuantize');
    expect(failure.message).toContain('Exp: it has no quantized form');
  });
});

test.each([9, 11, 12])('a graph of opset %i is raised first, and said', async (opset) => {
  const { model, facts, warnings } = await quantizeAndWrite(parseModel(MODEL.replace('"": 21', `"": ${opset}`)), {
    calibration: oneBatch(DATA),
  });
  expect([model.opsets.get(''), facts.quantized]).toEqual([13, 2]);
  expect(warnings).toEqual([`INT8 models need opset 13 or newer: opset ${opset} of the graph was raised to 13`]);
});

test('data that never leaves 0 is warned of, with the names of the tensors', async () => {
  const silent = await quantizeAndWrite(typedModel(MODEL), {
    calibration: oneBatch({ x: { shape: [1, 1, 2, 2], values: [0, 0, 0, 0] } }),
    calibrationFile: 'zeros.npz',
  });
  expect(silent.warnings).toEqual(['nothing but 0 is in "x", for all of zeros.npz: their scales fit no other numbers']);
  const { warnings } = await quantizeAndWrite(typedModel(MODEL), { calibration: oneBatch(DATA) });
  expect(warnings).toEqual([]);
});

test('a weight with NaN stays in float and is named', async () => {
  const text = `<ir_version: 10, opset_import: ["": 21]>
g (float[N,2] x) => (float[N,2] y, float[N,2] z)
<
  float[2,2] good = {1, 0, 0, 1},
  float[2,2] bad = {1, nan, 0, 1}
>
{
  y = MatMul(x, good)
  z = MatMul(x, bad)
}`;
  for (const approach of ['static', 'dynamic'] as const) {
    const { facts } = await quantizeAndWrite(typedModel(text), {
      approach,
      calibration: oneBatch({ x: { shape: [1, 2], values: [1, 2] } }),
    });
    expect([facts.quantized, facts.skipped]).toEqual([
      1,
      [{ node: '', operator: 'MatMul', reason: '"bad" has NaN or infinity' }],
    ]);
  }
});

test('ranges are those of all batches, of whatever shape', async () => {
  async function* batches(): AsyncGenerator<Batch> {
    yield { feeds: feedsOf({ x: { shape: [1, 1, 2, 2], values: [-1, 0, 0.5, 1] } }), samples: 1 };
    yield { feeds: feedsOf({ x: { shape: [2, 1, 1, 1], values: [-1.28, 1.27] } }), samples: 2 };
  }
  const { model, facts } = await quantizeAndWrite(typedModel(MODEL.replaceAll('N,1,2,2', 'N,1,H,W')), {
    calibration: batches(),
  });
  const scale = [...model.graph.initializers].find((v) => v.name === 'x_scale')!;
  expect(new Float32Array(Uint8Array.from(await scale.data!.read()).buffer)[0]).toBeCloseTo(0.01, 7);
  expect(facts.calibration?.samples).toBe(3);
});
