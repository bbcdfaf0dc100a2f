/** Peak memory of the whole process that quantizes the weights of a Llama of 2.5 GB. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { QuantFormat, WeightAlgorithm } from '../shared/choices.ts';
import { writeLargeLlama } from './large-llama.ts';
import { BUILT_CLI, costOf } from './process-cost.ts';

const BYTES = 2.5e9;
/** Megabytes. */
const LIMIT = 600;

/** GPTQ runs the model to see activations, so it takes the memory that running it takes. */
const WAYS: readonly (readonly [WeightAlgorithm, QuantFormat])[] = [
  ['RTN', 'QDQ'],
  ['RTN', 'QLinear'],
  ['HQQ', 'QDQ'],
  ['HQQ', 'QLinear'],
];

/** Whether every way stays below the limit. */
export async function measureMemory(folder: string): Promise<boolean> {
  if (!existsSync(BUILT_CLI)) {
    console.log('SKIPPED: nothing is built (npm run build)');
    return true;
  }
  const [model, made] = [join(folder, 'large.onnx'), join(folder, 'made.onnx')];
  const bytes = await writeLargeLlama(model, BYTES);
  console.log(`a Llama of ${(bytes / 1e9).toFixed(2)} GB; at most ${LIMIT} MB are allowed`);
  let isWithin = true;
  for (const bits of [4, 8])
    for (const [algorithm, format] of WAYS) {
      const how = ['--bits', String(bits), '--algorithm', algorithm, '--quant-format', format];
      const { seconds, megabytes } = await costOf(process.execPath, [BUILT_CLI, 'quantize', model, ...how, '-o', made]);
      rmSync(made);
      const verdict = megabytes < LIMIT ? '' : '  TOO MUCH';
      isWithin &&= megabytes < LIMIT;
      console.log(
        `int${bits} ${algorithm} ${format.padEnd(8)} ${megabytes.toFixed(0)} MB in ${seconds.toFixed(0)} s${verdict}`,
      );
    }
  return isWithin;
}
