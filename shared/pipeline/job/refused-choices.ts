/** Choices of a job that the quantizer would refuse, found before any work. */
import { type ComputedApproach, DEFAULT_FORMAT } from '../../choices.ts';
import { isFailure, type JobProblem } from '../../errors.ts';
import { requireExtraOptions } from '../../quantize/extra-options.ts';
import { observerOf } from '../../quantize/observers/by-tool-options.ts';
import { recipeOf } from '../../quantize/recipe.ts';
import { requireTypes } from '../../quantize/require-types.ts';
import type { JobOptions } from './job-schema.ts';
import { observerChoice, recipeChoice } from './quantizer-words.ts';
import { approachesOf } from './variants.ts';

/** Of each approach and form that the job asks for, the first. */
export function refusedChoices(options: JobOptions): JobProblem[] {
  const computed = approachesOf(options).filter((each): each is ComputedApproach => each !== 'transferred');
  const refused = computed
    .filter((approach) => approach !== 'weight-only')
    .flatMap((approach) => {
      const formats = approach === 'static' ? options.quant_format : [DEFAULT_FORMAT];
      const found = formats.map((format) => problemsOf(options, { approach, format }));
      // Where forms are tried, one that is possible is enough.
      return options.recipe === 'auto' && found.some((problems) => problems.length === 0) ? [] : found.flat();
    });
  return [...new Map(refused.map((problem) => [JSON.stringify(problem), problem])).values()];
}

function problemsOf(options: JobOptions, use: Parameters<typeof requireTypes>[1]): JobProblem[] {
  const choice = recipeChoice(options);
  try {
    requireExtraOptions(options.extra_options, use);
    requireTypes(recipeOf(choice), use);
    observerOf({ ...choice, ...observerChoice(options) });
    return [];
  } catch (error) {
    if (!isFailure(error, 'BadOption')) throw error;
    const { option, value, expected } = error.details;
    return [{ path: option, problem: `${value} is not possible here`, hint: `expected ${expected}` }];
  }
}
