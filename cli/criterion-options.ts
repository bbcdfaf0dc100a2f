/** What a quantized model must keep, as options of the command line: a criterion that ends the command with code 1. */
import { CRITERIA, CRITERION_NAMES, type Criterion, type CriterionName } from '../shared/choices.ts';
import { fail } from '../shared/errors.ts';
import type { Judgement } from '../shared/report/criterion.ts';
import { judge } from '../shared/report/criterion.ts';
import { referenceOf } from '../shared/report/measures.ts';
import { isQuantized } from '../shared/choices.ts';
import type { Report } from '../shared/report/report.ts';
import type { Option, OptionValues } from './command.ts';
import { text } from './values.ts';

/** `maxTop1Drop` is `--max-top1-drop`. */
const optionOf = (name: CriterionName): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Rows for a command. */
export const criterionOptions = (names: readonly CriterionName[] = CRITERION_NAMES): Readonly<Record<string, Option>> =>
  Object.fromEntries(
    names.map((name) => [optionOf(name), { type: 'string', value: 'N', describe: CRITERIA[name].about } as const]),
  );

/** Those that were given; null: none. Refuses what is no number in its bounds with BadOption. */
export function criterionIn(options: OptionValues): Criterion | null {
  const given = CRITERION_NAMES.flatMap((name) => {
    const value = text(options, optionOf(name));
    return value === undefined ? [] : [[name, numberIn(name, value)] as const];
  });
  return given.length ? Object.fromEntries(given) : null;
}

function numberIn(name: CriterionName, value: string): number {
  const { min = -Infinity, max = Infinity }: { min?: number; max?: number } = CRITERIA[name].bounds;
  const number = value.trim() === '' ? NaN : Number(value);
  if (number >= min && number <= max && Number.isFinite(number)) return number;
  const from = [...(min === -Infinity ? [] : [`from ${min}`]), ...(max === Infinity ? [] : [`up to ${max}`])];
  return fail('BadOption', {
    option: `--${optionOf(name)}`,
    value,
    expected: ['a number', ...from].join(' '),
  });
}

/** What quantized models of a report miss of it, in words. */
export const missedIn = (report: Report, criterion: Criterion): readonly string[] =>
  report.variants
    .filter((variant) => isQuantized(variant) && variant.validation)
    .flatMap((variant) =>
      missedOf(judge(variant, referenceOf(report.variants), criterion), criterion).map(
        (missed) => `${variant.name} ${missed}`,
      ),
    );

/** Of what was asked: a limit that nobody set is not missed. */
const missedOf = ({ findings }: Judgement, criterion: Criterion): readonly string[] =>
  findings.filter(({ met, measure }) => !met && criterion[measure] !== undefined).map(({ text: missed }) => missed);
