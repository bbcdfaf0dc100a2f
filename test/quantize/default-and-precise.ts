/**
 * Prints, as JSON, the largest difference that session option `session.x64quantprecision` makes to each of the models
 * that are named, on random inputs. A program of its own, so that it can run on another processor.
 */
import { firstSizes, randomFrom, randomInputs } from '../../shared/runtime/random-inputs.ts';
import { type MemoryTensors, type SessionOptions, withSession } from '../../shared/runtime/session.ts';
import { asFloat32 } from '../../shared/tensor/arithmetic.ts';

const RUNS = 4;

async function outputsOf(model: string, products: SessionOptions['products'] & string): Promise<Float32Array[]> {
  return withSession(model, { products, threads: 1 }, async (session) => {
    const outputs: Float32Array[] = [];
    for (let seed = 0; seed < RUNS; seed++) {
      const feeds: MemoryTensors = randomInputs(session.inputs, firstSizes(session.inputs), randomFrom(seed));
      for (const output of (await session.run(feeds)).values()) outputs.push(asFloat32(output.memory));
    }
    return outputs;
  });
}

const differences: number[] = [];
for (const model of process.argv.slice(2)) {
  const [byDefault, precise] = [await outputsOf(model, 'default'), await outputsOf(model, 'precise')];
  differences.push(
    Math.max(...byDefault.flatMap((values, i) => [...values].map((v, j) => Math.abs(v - precise[i]![j]!)))),
  );
}
console.log(JSON.stringify(differences));
