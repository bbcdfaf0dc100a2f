/**
 * Prints, as JSON, how far quantized models are from FP32 in decibels, by default and precisely: `node
 * bench/quant-sqnr.ts fp32.onnx samples.npz ARRAY int8.onnx...`. A program of its own, so that it can run on an emulated
 * processor.
 */
import { fileSource } from '../shared/bytes/file-source.ts';
import { compareOutput } from '../shared/runtime/compare.ts';
import { type SessionOptions, withSession } from '../shared/runtime/session.ts';
import { samplesUnder } from './quant-samples.ts';

const BATCH = 16;

async function decibels(model: string, products: NonNullable<SessionOptions['products']>): Promise<number> {
  const source = fileSource(samples!);
  try {
    return await withSession(fp32!, {}, (reference) =>
      withSession(model, { products }, async (session) => {
        const name = session.outputs[0]!.name;
        const comparer = compareOutput(name, 'float32');
        const data = await samplesUnder(source, array!, reference.inputs);
        for await (const { feeds } of data.batches(BATCH))
          comparer.add((await session.run(feeds)).get(name)!, (await reference.run(feeds)).get(name)!);
        return comparer.result().sqnr ?? Infinity;
      }),
    );
  } finally {
    source.close();
  }
}

const [fp32, samples, array, ...models] = process.argv.slice(2);
const measured = [];
for (const model of models)
  measured.push({ byDefault: await decibels(model, 'default'), precise: await decibels(model, 'precise') });
console.log(JSON.stringify(measured));
