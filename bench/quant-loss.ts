/** How far quantized models are from FP32 in decibels, by default and precisely, on this processor or an emulated one. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileSource } from '../shared/bytes/file-source.ts';
import type { RecipeChoice } from '../shared/quantize/recipe.ts';
import { sqnrOf } from '../shared/runtime/compare.ts';
import { quantizeFile } from '../shared/steps/quantize-file.ts';
import { asFloat32 } from '../shared/tensor/arithmetic.ts';
import { addDistances, noDistances } from '../shared/tensor/distances.ts';
import type { Subject } from './quant-models.ts';

/** A program and its arguments in front of Node, to run it on another processor; none: on this one. */
export type Emulator = readonly string[];

export const WAYS: Readonly<Record<string, RecipeChoice>> = {
  'any processor': {},
  'full range': { processor: 'vnni' },
  reduce_range: { reduceRange: true },
};

export async function ours({ fp32, calibration }: Subject, way: RecipeChoice, path: string): Promise<string> {
  const source = fileSource(calibration);
  const data = { source, name: source.name };
  const workFolder = join(path, '..');
  const how = { approach: 'static', format: 'QDQ', weights: 'embed', calibration: data, workFolder } as const;
  try {
    await quantizeFile({ model: fp32, path, ...how, ...way });
    return path;
  } finally {
    source.close();
  }
}

export interface LossRequest {
  readonly subject: Subject;
  readonly emulator: Emulator;
  readonly folder: string;
}

/** Of each model by default and precisely, on as many samples as the processor computes in minutes. */
export function lossesOf(models: readonly string[], { subject, emulator, folder }: LossRequest): string[] {
  const count = emulator.length ? 2 : 16;
  const run = (model: string, products: 'default' | 'precise', on: Emulator): Float32Array => {
    const out = join(folder, 'outputs.f32');
    const script = join(import.meta.dirname, 'quant-outputs.ts');
    const [program, ...args] = [...on, process.execPath, script, model, subject.samples, String(count), products, out];
    const { status, signal, stderr } = spawnSync(program!, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`"${model}" could not be run (${status ?? signal}): ${stderr}`);
    return asFloat32(readFileSync(out));
  };
  // What is precise is the same on every processor, so that it need not be emulated.
  const reference = run(subject.fp32, 'precise', []);
  return models.map((model) => {
    const [byDefault, precise] = [run(model, 'default', emulator), run(model, 'precise', [])].map((actual) => {
      const sums = noDistances();
      addDistances(sums, { actual, reference, rtol: 0, atol: 0 });
      return (sqnrOf(sums.squaredReference, sums.squaredDifference) ?? Infinity).toFixed(1);
    });
    return `${byDefault} / ${precise}`;
  });
}
