/**
 * The first output of a model for the first COUNT samples, as a file of float32: `node bench/quant-outputs.ts model.onnx
 * samples.npz COUNT default|precise FILE`. A program of its own, so that it can run on an emulated processor.
 */
import { writeFileSync } from 'node:fs';
import { fileSource } from '../shared/bytes/file-source.ts';
import { readSamples } from '../shared/runtime/samples.ts';
import { type SessionOptions, withSession } from '../shared/runtime/session.ts';

const [model, data, count, products, out] = process.argv.slice(2) as [string, string, string, string, string];
const source = fileSource(data);
const parts: Uint8Array[] = [];
const options: SessionOptions = { products: products === 'precise' ? 'precise' : 'default', threads: 1 };
await withSession(model, options, async (session) => {
  const samples = await readSamples(source, session.inputs, { code: 'BadCalibrationData', limit: Number(count) });
  for await (const { feeds } of samples.batches(1))
    parts.push((await session.run(feeds)).get(session.outputs[0]!.name)!.memory);
});
source.close();
writeFileSync(out, Buffer.concat(parts));
