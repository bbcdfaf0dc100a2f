/** How far quantized models are from FP32 in decibels, by default and precisely. */
import { join } from 'node:path';
import { fileSource } from '../shared/bytes/file-source.ts';
import type { QuantFormat } from '../shared/choices.ts';
import type { RecipeChoice } from '../shared/quantize/recipe.ts';
import { readSamples, type Samples } from '../shared/runtime/samples.ts';
import type { Declared } from '../shared/runtime/session.ts';
import { quantizeFile } from '../shared/steps/quantize-file.ts';
import type { Subject } from './quant-models.ts';
import { decibelsOf, decibelsText } from './quant-sqnr.ts';

export const WAYS: Readonly<Record<string, RecipeChoice>> = {
  'any processor': {},
  'full range': { processor: 'vnni' },
  reduce_range: { reduceRange: true },
};

export interface Way extends RecipeChoice {
  /** Q/DQ where nothing is said. */
  readonly format?: QuantFormat;
}

export async function ours({ fp32, calibration }: Subject, way: Way, path: string): Promise<string> {
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

/** Of each model on 16 samples. */
export async function lossesOf(models: readonly string[], { fp32, samples: path }: Subject): Promise<string[]> {
  const source = fileSource(path);
  const samples = (inputs: readonly Declared[]): Promise<Samples> =>
    readSamples(source, inputs, { code: 'BadCalibrationData', limit: 16 });
  try {
    const losses: string[] = [];
    for (const model of models) losses.push(decibelsText(await decibelsOf(fp32, model, { samples, batch: 1 })));
    return losses;
  } finally {
    source.close();
  }
}
