/** The fixture models, quantized, written and run: what the tests of this folder share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { checkModel, structureProblems } from '../../shared/onnx/check.ts';
import type { Model } from '../../shared/onnx/ir.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { type Quantized, quantizeModel, type QuantizeRequest } from '../../shared/quantize/quantize.ts';
import type { Batch, Samples } from '../../shared/runtime/samples.ts';
import { readSamples } from '../../shared/runtime/samples.ts';
import { type Declared, inMemory, type MemoryTensors, withSession } from '../../shared/runtime/session.ts';
import { bytesOf } from '../../shared/tensor/arithmetic.ts';

export const MODELS = ['digits_cnn', 'digits_transformer', 'token_classifier'] as const;
export type FixtureModel = (typeof MODELS)[number];

export const fixturePath = (...parts: readonly string[]): string =>
  fileURLToPath(new URL(`../fixtures/quantize/${parts.join('/')}`, import.meta.url));

/** A folder that is removed when the test is over. */
export function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

export const inputsOf = (path: string): Promise<readonly Declared[]> =>
  withSession(path, {}, (session) => Promise.resolve(session.inputs));

/** Samples of a fixture; the calibration array is there under the name `calib`. */
export const samplesOf = (model: FixtureModel, array: 'x' | 'calib', labels?: string): Promise<Samples> =>
  samplesIn(fixturePath(model, 'data.npz'), model, { array, labels });

/** All 360 test samples: one of them is less than a point. */
export const testSetOf = (model: FixtureModel): Promise<Samples> =>
  samplesIn(fixturePath('..', 'inc', `${model}.npz`), model, { array: 'x', labels: 'y' });

async function samplesIn(
  file: string,
  model: FixtureModel,
  { array, labels }: { readonly array: string; readonly labels: string | undefined },
): Promise<Samples> {
  const source = fileSource(file);
  onTestFinished(() => source.close());
  const inputs = await inputsOf(fixturePath(model, 'fp32.onnx'));
  const renamed = inputs.map((input) => ({ ...input, name: array }));
  const samples = await readSamples(source, renamed, {
    code: 'BadCalibrationData',
    ...(labels === undefined ? {} : { labels }),
  });
  return {
    ...samples,
    batches: (size) => ({
      async *[Symbol.asyncIterator]() {
        for await (const { feeds, samples: count } of samples.batches(size))
          yield { feeds: new Map([[inputs[0]!.name, feeds.get(array)!]]), samples: count };
      },
    }),
  };
}

export type Options = Partial<Omit<QuantizeRequest, 'workFolder'>>;

/** Quantize a fixture model; it is checked and written to `path`. */
export async function quantizeFixture(name: FixtureModel, options: Options): Promise<Quantized & { path: string }> {
  const { model, close } = await openModel(fixturePath(name, 'fp32.onnx'));
  onTestFinished(close);
  const samples = await samplesOf(name, 'calib');
  return quantizeAndWrite(model, { calibration: samples.batches(1), calibrationFile: samples.file, ...options });
}

export async function quantizeAndWrite(model: Model, options: Options): Promise<Quantized & { path: string }> {
  const folder = workFolder();
  const quantized = await quantizeModel(model, { approach: 'static', format: 'QDQ', ...options, workFolder: folder });
  expect(structureProblems(quantized.model)).toEqual([]);
  // The operator table can be held against a graph only where every type is known.
  if ([...quantized.model.graph.nodes].every((node) => node.outputs.every((output) => output.type)))
    checkModel(quantized.model);
  const path = join(folder, 'int8.onnx');
  await writeModel(quantized.model, path, { weights: 'embed' });
  return { ...quantized, path };
}

/** Float32 tensors as one batch of calibration data. */
export async function* oneBatch(
  tensors: Readonly<Record<string, { shape: readonly number[]; values: readonly number[] }>>,
): AsyncGenerator<Batch> {
  yield { feeds: feedsOf(tensors), samples: 1 };
}

export const feedsOf = (
  tensors: Readonly<Record<string, { shape: readonly number[]; values: readonly number[] }>>,
): MemoryTensors =>
  new Map(
    Object.entries(tensors).map(([name, { shape, values }]) => [
      name,
      inMemory('float32', shape, bytesOf(Float32Array.from(values))),
    ]),
  );
