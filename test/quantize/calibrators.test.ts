/** Ranges and activation scales of onnxruntime's own calibrators, for the same bins, on the same data. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { calibrate, type Ranges } from '../../shared/quantize/calibrate.ts';
import { type ObserverName, OBSERVERS } from '../../shared/quantize/observers/index.ts';
import type { ObserverOptions } from '../../shared/quantize/observers/observer.ts';
import { recipeOf } from '../../shared/quantize/recipe.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import type { Model, Value } from '../../shared/onnx/ir.ts';
import { inferModel } from '../../shared/onnx/infer.ts';
import { fixturePath, type FixtureModel, MODELS, quantizeFixture, samplesOf, workFolder } from './fixture.ts';

type Pair = readonly [number, number];
interface Recorded {
  /** By method, then by tensor: lowest and highest. */
  readonly ranges: Readonly<Record<string, Readonly<Record<string, Pair>>>>;
  /** `quantize_static(calibrate_method=Percentile)`: scale and zero point of each tensor. */
  readonly percentile_static: Readonly<Record<string, Pair>>;
}

const recordedOf = (name: FixtureModel): Recorded =>
  JSON.parse(readFileSync(fixturePath(name, 'calibrators.json'), 'utf8')) as Recorded;

interface Case {
  readonly observer: ObserverName;
  readonly options: ObserverOptions;
  /** Width of a bin, of a tensor with these values. */
  readonly bin: (range: Pair) => number;
}

const mostOf = ([min, max]: Pair): number => Math.max(Math.abs(min), Math.abs(max));
const CASES: Readonly<Record<string, Case>> = {
  MinMax: { observer: 'MinMax', options: {}, bin: (range) => 3e-6 * mostOf(range) },
  Percentile: { observer: 'Percentile', options: {}, bin: (range) => mostOf(range) / 2048 },
  Percentile99: {
    observer: 'Percentile',
    options: { percentile: 99, numBins: 512 },
    bin: (range) => mostOf(range) / 512,
  },
  Entropy: { observer: 'Entropy', options: { numBins: 2048 }, bin: (range) => (2 * mostOf(range)) / 2048 },
  Entropy128: { observer: 'Entropy', options: { numBins: 128 }, bin: (range) => 3e-6 * mostOf(range) },
};

async function rangesOf(
  name: FixtureModel,
  tensors: readonly string[],
  { observer, options }: Case,
): Promise<{ readonly model: Model; readonly ranges: Ranges }> {
  const { model, close } = await openModel(fixturePath(name, 'fp32.onnx'));
  try {
    inferModel(model);
    const values = [...model.graph.inputs, ...[...model.graph.nodes].flatMap((node) => node.outputs)];
    const spec = recipeOf({}).activations;
    const watched = values
      .filter((value) => tensors.includes(value.name))
      .map((tensor) => ({ tensor, watch: OBSERVERS[observer].watch(spec, options) }));
    const samples = await samplesOf(name, 'calib');
    const { ranges } = await calibrate({
      model,
      watched,
      rounds: OBSERVERS[observer].rounds,
      batches: {
        async *[Symbol.asyncIterator]() {
          for await (const { feeds } of samples.batches(1)) yield feeds;
        },
      },
      file: samples.file,
      workFolder: workFolder(),
    });
    return { model, ranges };
  } finally {
    close();
  }
}

describe.each(MODELS)('%s', (name) => {
  const recorded = recordedOf(name);

  test.each(Object.entries(CASES))('%s: within a bin of every range', async (method, which) => {
    const expected = recorded.ranges[method]!;
    const { ranges } = await rangesOf(name, Object.keys(expected), which);
    expect(ranges.size).toBe(Object.keys(expected).length);
    for (const [{ name: tensor }, { min, max }] of ranges as ReadonlyMap<Value, { min: number; max: number }>) {
      const [lowest, highest] = expected[tensor]!;
      const bin = which.bin(recorded.ranges['MinMax']![tensor]!);
      expect(Math.abs(min - lowest), `${tensor} min ${min} ${lowest}`).toBeLessThanOrEqual(bin);
      expect(Math.abs(max - highest), `${tensor} max ${max} ${highest}`).toBeLessThanOrEqual(bin);
    }
  });

  test('Percentile, static: scales and zero points of its tool', async () => {
    const { model } = await quantizeFixture(name, {
      observer: 'Percentile',
      recipe: 'QDQ_OP_INT32_BIAS',
      processor: 'vnni',
    });
    const constants = new Map([...model.graph.initializers].map((value) => [value.name, value.data!]));
    let compared = 0;
    for (const [tensor, [scale, zeroPoint]] of Object.entries(recorded.percentile_static)) {
      const own = constants.get(`${tensor}_scale`);
      if (!own) continue;
      const bytes = Uint8Array.from(await own.read());
      const relative = new Float32Array(bytes.buffer)[0]! / scale - 1;
      expect(Math.abs(relative), tensor).toBeLessThan(3e-6);
      expect((await constants.get(`${tensor}_zero_point`)!.read())[0], tensor).toBe(zeroPoint);
      compared++;
    }
    expect(compared).toBe(COMPARED[name]);
  });
});

const COMPARED = { digits_cnn: 5, digits_transformer: 10, token_classifier: 3 } as const;
