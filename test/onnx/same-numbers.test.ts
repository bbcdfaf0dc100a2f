/** Rounding that was moved gives the numbers of the file as it was, bit for bit: onnxruntime runs both as they stand. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Model } from '../../shared/onnx/ir.ts';
import { passOf, STAGES } from '../../shared/onnx/passes/index.ts';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { randomFrom, shapeOf } from '../../shared/runtime/random-inputs.ts';
import { encodeNumbers } from '../../shared/tensor/numbers.ts';
import { elementCount } from '../../shared/tensor/type.ts';
import { inMemory, type MemoryTensors, withSession } from '../../shared/runtime/session.ts';
import { typedModel } from './typed.ts';

const FOLDER = new URL('./passes/', import.meta.url);
const EXACT = /^(place-quantization|relu-before-rounding|rounded-already|unsigned-codes)\./;
const cases = readdirSync(FOLDER).filter((name) => EXACT.test(name));

function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Codes of the whole range; floats around 0, well beyond the ends of the codes too. Scalars are scales: above 0. */
function feedsOf({ graph }: Model): MemoryTensors {
  const random = randomFrom(1);
  const draw = { float32: () => (random() - 0.5) * 200, uint8: () => Math.floor(random() * 256) };
  return new Map(
    graph.inputs.map(({ name, type }) => {
      const { dtype, shape } = type!;
      const sizes = shapeOf(name, shape, new Map([['N', 2]]));
      const numbers = Float64Array.from({ length: elementCount(sizes) }, draw[dtype as keyof typeof draw]);
      const wanted = sizes.length === 0 ? numbers.map(Math.abs) : numbers;
      return [name, inMemory(dtype, sizes, encodeNumbers(dtype, wanted))];
    }),
  );
}

async function outputsOf(model: Model, feeds: MemoryTensors): Promise<Record<string, Buffer>> {
  const path = join(workFolder(), 'model.onnx');
  await writeModel(model, path, { weights: 'embed' });
  const outputs = await withSession(path, { optimize: 'none' }, (session) => session.run(feeds));
  return Object.fromEntries([...outputs].map(([name, { memory }]) => [name, Buffer.from(memory)]));
}

test.each(cases)('%s', async (name) => {
  const [text] = readFileSync(new URL(name, FOLDER), 'utf8').split(/^---\n/m) as [string];
  const [before, after] = [typedModel(text), typedModel(text)];
  passOf(STAGES, { keepWeights: true }).run(after);
  const feeds = feedsOf(before);
  expect(await outputsOf(after, feeds)).toEqual(await outputsOf(before, feeds));
});
