/** How a variant came out, as a mark with words. */
import { isQuantized } from '../choices.ts';
import { judge } from './criterion.ts';
import type { Mark } from './elements.ts';
import { referenceOf } from './measures.ts';
import { problemOf } from './problem.ts';
import type { Report, Variant } from './report.ts';

export interface Result {
  readonly mark: Mark;
  readonly words: string;
}

export function result(variant: Variant, { variants, criterion }: Report): Result {
  if (!variant.failure && !variant.validation) return { mark: 'warn', words: 'not validated' };
  if (problemOf(variant) !== null) return { mark: 'fail', words: variant.failure ? 'failed' : 'did not pass' };
  const judgement = isQuantized(variant) ? judge(variant, referenceOf(variants), criterion ?? {}) : null;
  if (judgement?.unjudged) return { mark: 'warn', words: 'not compared' };
  if (judgement?.met === false) return { mark: 'warn', words: 'misses the criterion' };
  return { mark: 'pass', words: 'passed' };
}
