/** One model of `torchferry convert`, and how it is written as ONNX. */
import type { ConvertOptions } from '../../shared/convert/convert.ts';
import { type AskedDtype, DEFAULT_FORMAT, type Weights } from '../../shared/choices.ts';
import type { JobFile } from '../../shared/pipeline/job/job-schema.ts';
import type { QuantizedForm } from '../../shared/quantize/transfer/quantized-program.ts';
import { ASKED_RECIPES, DEFAULT_RECIPE, fixedRecipe } from '../../shared/quantize/recipe.ts';
import { type ConvertedFile, convertFile } from '../../shared/steps/convert-file.ts';
import type { Context, OptionValues } from '../command.ts';
import { choice, quantFormat } from '../values.ts';
import { withSource } from '../with-source.ts';

export interface Task extends Pick<Context, 'options' | 'progress' | 'signal'> {
  readonly file: string;
  /** Where the wanted model is written. */
  readonly path: string;
  readonly weights: Weights;
  readonly converting: ConvertOptions;
  /** As it was asked for. */
  readonly wanted: AskedDtype;
  readonly job: JobFile;
}

/** Of an INT8 model with PyTorch's own codes. */
export const formOf = (options: OptionValues, job: JobFile): QuantizedForm => ({
  format: quantFormat(options, job.quant_format?.[0] ?? DEFAULT_FORMAT),
  recipe: fixedRecipe(choice(options, 'recipe', { among: ASKED_RECIPES, fallback: job.recipe ?? DEFAULT_RECIPE })),
});

export async function toOnnx(task: Task, path: string, weights: Weights): Promise<ConvertedFile> {
  const { file, options, job, converting, progress, signal } = task;
  progress.step(`converting ${file}`);
  const converted = await withSource(file, (source) =>
    convertFile({
      source,
      path,
      options: converting,
      weights,
      form: formOf(options, job),
      signal,
      tell: progress.advance,
    }),
  );
  for (const warning of converted.warnings) progress.note(`note: ${warning}`);
  return converted;
}

export const bytesOf = (files: readonly { bytes: number }[]): number => files.reduce((n, f) => n + f.bytes, 0);
