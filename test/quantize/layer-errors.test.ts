/** Errors per layer: what onnxruntime sums up inside one graph is what two models give when they are run apart. */
import { expect, test } from 'vitest';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { compareOutput } from '../../shared/runtime/compare.ts';
import { withSession } from '../../shared/runtime/session.ts';
import { typedModel } from '../onnx/typed.ts';
import { fixturePath, MODELS, oneBatch, quantizeAndWrite, quantizeFixture, samplesOf } from './fixture.ts';

/** As many samples as the layers are compared on. */
const SAMPLES = 4;

test.each(MODELS.flatMap((name) => (['QDQ', 'QLinear'] as const).map((format) => ({ name, format }))))(
  '$name, $format: the layer that gives the output differs by what the outputs of the two files differ by',
  async ({ name, format }) => {
    const { facts, path } = await quantizeFixture(name, { format });
    const source = fixturePath(name, 'fp32.onnx');
    const { model, close } = await openModel(source);
    const output = model.graph.outputs[0]!;
    const last = output.producer!;
    close();
    const comparer = compareOutput(output.name, 'float32');
    let seen = 0;
    await withSession(source, {}, (fp32) =>
      withSession(path, {}, async (int8) => {
        for await (const { feeds } of (await samplesOf(name, 'calib')).batches(1)) {
          if (seen++ === SAMPLES) break;
          const [expected, actual] = [await fp32.run(feeds), await int8.run(feeds)];
          comparer.add(actual.get(output.name)!, expected.get(output.name)!);
        }
      }),
    );
    const layer = facts.layers.find((candidate) => [last.name, output.name].includes(candidate.layer))!;
    const apart = comparer.result();
    expect(layer.sqnr).toBeCloseTo(apart.sqnr!, 1);
    expect(layer.maxAbsDiff / apart.maxAbsDiff).toBeCloseTo(1, 2);
  },
);

const MODEL = `<ir_version: 10, opset_import: ["": 21]>
g (float[N,2] x) => (float[N,2] y)
<
  float[2,2] w = {1, 0, 0, 1}
>
{
  m = MatMul(x, w)
  y = Sqrt(m)
}`;

test('a layer that codes hold exactly is equal', async () => {
  // 0, 1 and 255 on a scale of 1.
  const calibration = oneBatch({ x: { shape: [2, 2], values: [0, 1, 255, 1] } });
  const { facts } = await quantizeAndWrite(typedModel(MODEL.replaceAll('1, 0, 0, 1', '127, 0, 0, 127')), {
    calibration,
  });
  expect(facts.layers).toMatchObject([{ operator: 'MatMul', sqnr: null, maxAbsDiff: 0 }]);
});

test('a layer that rounds differs by its rounding', async () => {
  // The scale is 1: 0.25 becomes 0, and is all that is lost of 255^2 + 0.25^2.
  const calibration = oneBatch({ x: { shape: [1, 2], values: [255, 0.25] } });
  const { facts } = await quantizeAndWrite(typedModel(MODEL.replaceAll('1, 0, 0, 1', '127, 0, 0, 127')), {
    calibration,
  });
  expect(facts.layers[0]!.maxAbsDiff).toBeCloseTo(0.25 * 127, 3);
  expect(facts.layers[0]!.sqnr).toBeCloseTo(10 * Math.log10((255 ** 2 + 0.25 ** 2) / 0.25 ** 2), 3);
});
