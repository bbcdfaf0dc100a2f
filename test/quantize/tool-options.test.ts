/** Options of onnxruntime's quantization tool: the same scales, zero points and codes as it writes, to the bit. */
import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import type { Model } from '../../shared/onnx/ir.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { readSamples, type Samples } from '../../shared/runtime/samples.ts';
import { withSession } from '../../shared/runtime/session.ts';
import { asFloat32 } from '../../shared/tensor/arithmetic.ts';
import { fixturePath, inputsOf, type Options, quantizeAndWrite } from './fixture.ts';

interface RecordedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly base64: string;
}
interface Recorded {
  readonly tensors: Readonly<Record<string, RecordedTensor>>;
  readonly operators: readonly string[];
}
const FP32 = fixturePath('tool-options', 'fp32.onnx');
const RECORDED = JSON.parse(readFileSync(fixturePath('tool-options', 'onnxruntime.json'), 'utf8')) as Readonly<
  Record<string, Recorded>
>;

/** What was recorded under a name, in our words; the processor has VNNI for the tool. */
const CASES: Readonly<Record<string, Options>> = {
  'per-tensor': { perChannel: false },
  'per-channel': {},
  'S8S8 symmetric': { activationType: 'QInt8', extraOptions: { ActivationSymmetric: true } },
  'U8S8 symmetric activations': { extraOptions: { ActivationSymmetric: true } },
  U16S8: { activationType: 'QUInt16' },
  'S16S8 symmetric': { activationType: 'QInt16', extraOptions: { ActivationSymmetric: true } },
  U16S16: { activationType: 'QUInt16', weightType: 'QInt16' },
  'U8U8 asymmetric': { weightType: 'QUInt8', perChannel: false, extraOptions: { WeightSymmetric: false } },
  'U8S8 asymmetric': { perChannel: false, extraOptions: { WeightSymmetric: false } },
  reduced: { reduceRange: true },
  'reduced asymmetric': { reduceRange: true, perChannel: false, extraOptions: { WeightSymmetric: false } },
  MinimumRealRange: { extraOptions: { MinimumRealRange: 20 } },
  CalibTensorRangeSymmetric: { extraOptions: { CalibTensorRangeSymmetric: true } },
  Percentile: { observer: 'Percentile', extraOptions: { CalibPercentile: 95 } },
  'Percentile of both ends': {
    observer: 'Percentile',
    extraOptions: { CalibPercentile: 95, CalibTensorRangeSymmetric: false },
  },
  QuantizeBias: { extraOptions: { QuantizeBias: false } },
  AddQDQPairToWeight: { extraOptions: { AddQDQPairToWeight: true } },
  QDQKeepRemovableActivations: { extraOptions: { QDQKeepRemovableActivations: true } },
  ActivationRestrictedAsymmetric: { extraOptions: { ActivationRestrictedAsymmetric: true } },
  overrides: {
    extraOptions: {
      TensorQuantOverrides: {
        r1: [{ quant_type: 'QUInt8', rmax: 40 }],
        x: [{ scale: 0.125, zero_point: 7 }],
        c2: [{ quant_type: 'QInt8', symmetric: true }],
        w1: [{ quant_type: 'QInt8', rmin: -2, rmax: 1.5, symmetric: false }],
        w2: [{ quant_type: 'QInt8', axis: 0, reduce_range: true }],
        w4: [{ quant_type: 'QUInt8', symmetric: false }],
      },
    },
  },
};

async function quantized(
  options: Options,
  opset = 21,
): Promise<{ readonly model: Model; readonly path: string; readonly samples: Samples }> {
  const { model, close } = await openModel(FP32);
  onTestFinished(close);
  model.opsets.set('', opset);
  const source = fileSource(fixturePath('tool-options', 'calibration.npz'));
  onTestFinished(() => source.close());
  const samples = await readSamples(source, await inputsOf(FP32), { code: 'BadCalibrationData' });
  const how = { recipe: 'QDQ_OP_INT32_BIAS', processor: 'vnni', calibration: samples.batches(1) } as const;
  return { ...(await quantizeAndWrite(model, { ...how, ...options })), samples };
}

async function tensorsOf({ graph }: Model): Promise<ReadonlyMap<string, Buffer>> {
  const all = new Map<string, Buffer>();
  for (const { name, data } of graph.initializers) if (data) all.set(name, Buffer.from(await data.read()));
  return all;
}

/** x, r1, c2, g and four weights; scales of three biases too, and codes of seven constants. */
const ALL = { scales: 11, zeroPoints: 8, codes: 7 };
/** What is not written: of a bias that stays float, and of weights that do. */
const FEWER: Readonly<Record<string, Partial<typeof ALL>>> = {
  QuantizeBias: { scales: 8, codes: 4 },
  AddQDQPairToWeight: { codes: 3 },
};

test.each(['QUInt16', 'QInt16'] as const)(
  '%s in an older opset: the same numbers, in operators of onnxruntime',
  async (type) => {
    const run = async (
      opset: number,
    ): Promise<{ readonly domains: ReadonlySet<string>; readonly y: readonly number[][] }> => {
      const made = await quantized({ activationType: type, weightType: 'QInt16' }, opset);
      const domains = new Set(
        [...made.model.graph.nodes].flatMap(({ op, domain }) => (op === 'QuantizeLinear' ? [domain] : [])),
      );
      const y = await withSession(made.path, {}, async (session) => {
        const all: number[][] = [];
        for await (const { feeds } of made.samples.batches(1))
          all.push([...asFloat32((await session.run(feeds, ['y'])).get('y')!.memory)]);
        return all;
      });
      return { domains, y };
    };
    const [older, newer] = [await run(17), await run(21)];
    expect([...older.domains, ...newer.domains]).toEqual(['com.microsoft', '']);
    expect(older.y).toEqual(newer.y);
  },
);

test('every recorded case is compared', () => expect(Object.keys(CASES)).toEqual(Object.keys(RECORDED)));

describe.each(Object.entries(CASES))('%s', (name, options) => {
  test('what both quantize is the same', async () => {
    const { model, path, samples } = await quantized(options);
    const ours = await tensorsOf(model);
    const compared = { scales: 0, zeroPoints: 0, codes: 0 };
    for (const [theirs, { base64 }] of Object.entries(RECORDED[name]!.tensors)) {
      const mine = ours.get(theirs.replace('_quantized_scale', '_scale'));
      // "c" is the bias of a Linear here, and any constant there.
      if (!mine || theirs.startsWith('c_') || theirs.endsWith('_quantized_zero_point')) continue;
      expect(mine.toString('hex'), theirs).toBe(Buffer.from(base64, 'base64').toString('hex'));
      if (theirs.endsWith('_scale')) compared.scales++;
      else if (theirs.endsWith('_zero_point')) compared.zeroPoints++;
      else compared.codes++;
    }
    expect(compared).toEqual({ ...ALL, ...FEWER[name] });
    await withSession(path, {}, async (session) => {
      for await (const { feeds } of samples.batches(1)) await session.run(feeds, ['y']);
    });
  });
});
