/** Each operator with a quantized form: the parameters of onnxruntime's tool, and the numbers its file means. */
import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import type { QuantFormat } from '../../shared/choices.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import type { Quantized } from '../../shared/quantize/quantize.ts';
import { readSamples, type Samples } from '../../shared/runtime/samples.ts';
import { withSession } from '../../shared/runtime/session.ts';
import { integerKernels } from '../../shared/steps/integer-kernels.ts';
import { asFloat32 } from '../../shared/tensor/arithmetic.ts';
import { decodeNumbers } from '../../shared/tensor/numbers.ts';
import { fixturePath, inputsOf, quantizeAndWrite, workFolder } from './fixture.ts';

interface Recorded {
  readonly parameters: Readonly<Record<string, number | readonly number[]>>;
  readonly outputs: readonly (readonly number[])[];
}
const RECORDED = JSON.parse(readFileSync(fixturePath('operators', 'onnxruntime.json'), 'utf8')) as Readonly<
  Record<string, Recorded>
>;
/** What runs in float in any form, and has none without Q and DQ. */
const IN_FLOAT = new Set([
  ...['InstanceNormalization', 'LayerNormalization', 'BatchNormalization', 'TopK'],
  ...['ReduceMean', 'Sub', 'Div', 'Erf', 'CumSum'],
]);
/** Of these a kernel on codes is found in the optimized model; the others move codes, or find positions. */
const KERNELS: Readonly<Record<string, string>> = {
  Where: 'QLinearWhere',
  Concat: 'QLinearConcat',
  Softmax: 'QLinearSoftmax',
  Sigmoid: 'QLinearSigmoid',
  LeakyRelu: 'QLinearLeakyRelu',
};
/** onnxruntime's kernel wants 1/256, the tool's Q/DQ have 1/255. */
const DIFFERENT = new Set(['Softmax r_scale']);

async function quantized(
  name: string,
  format: QuantFormat,
): Promise<Quantized & { readonly path: string; readonly samples: Samples }> {
  const file = fixturePath('operators', `${name}.onnx`);
  const { model, close } = await openModel(file);
  onTestFinished(close);
  const source = fileSource(fixturePath('operators', 'calibration.npz'));
  onTestFinished(() => source.close());
  const samples = await readSamples(source, await inputsOf(file), { code: 'BadCalibrationData' });
  const how = { processor: 'vnni', calibration: samples.batches(1), opTypesToQuantize: ['Conv', name] } as const;
  return { ...(await quantizeAndWrite(model, { ...how, format })), samples };
}

async function numbersOf({ model }: Quantized, name: string): Promise<readonly number[] | null> {
  const data = [...model.graph.initializers].find((value) => value.name === name)?.data;
  return data ? [...decodeNumbers(data.dtype, await data.read())] : null;
}

async function outputsOf(path: string, samples: Samples): Promise<readonly (readonly number[])[]> {
  // What the codes mean, on processors without VNNI too.
  return withSession(path, { products: 'precise' }, async (session) => {
    const all: (readonly number[])[] = [];
    for await (const { feeds } of samples.batches(1)) {
      const { name } = session.outputs[0]!;
      const { dtype, memory } = (await session.run(feeds, [name])).get(name)!;
      all.push(dtype === 'int64' ? [...decodeNumbers(dtype, memory)] : [...asFloat32(memory)]);
    }
    return all;
  });
}

describe.each(Object.entries(RECORDED))('%s', (name, { parameters, outputs }) => {
  test('QDQ has the parameters and the numbers of the tool', async () => {
    const made = await quantized(name, 'QDQ');
    for (const [tensor, expected] of Object.entries(parameters)) {
      if (DIFFERENT.has(`${name} ${tensor}`)) continue;
      const numbers = await numbersOf(made, tensor.replace('_quantized_scale', '_scale'));
      // Sums of a normalization are rounded otherwise in another build of onnxruntime.
      [expected].flat().forEach((number, i) => expect(numbers?.[i], tensor).toBeCloseTo(number, 6));
    }
    await expectNumbers(made, outputs);
  });

  test(IN_FLOAT.has(name) ? 'QLinear leaves it in float, and runs' : 'QLinear computes the same', async () => {
    const made = await quantized(name, 'QLinear');
    const reasons = made.facts.skipped.filter(({ operator }) => operator === name).map(({ reason }) => reason);
    expect(reasons).toEqual(IN_FLOAT.has(name) ? ['it has no QLinear form'] : []);
    if (IN_FLOAT.has(name)) await outputsOf(made.path, made.samples);
    else await expectNumbers(made, outputs);
  });

  test('onnxruntime computes it on codes where it has a kernel', async () => {
    const { path } = await quantized(name, 'QDQ');
    const found = await integerKernels(path, workFolder());
    expect(found.find(({ operator }) => operator === name)?.kernel ?? null).toBe(KERNELS[name] ?? null);
  });
});

/** Integer kernels round once where the file rounds twice: by one step at most. */
async function expectNumbers(made: Quantized & { path: string; samples: Samples }, expected: Recorded['outputs']) {
  const [step = 0] = (await numbersOf(made, 'y_scale')) ?? [];
  const found = await outputsOf(made.path, made.samples);
  for (const [sample, numbers] of expected.entries())
    numbers.forEach((number, i) => expect(Math.abs(found[sample]![i]! - number)).toBeLessThanOrEqual(step * 1.001));
}
