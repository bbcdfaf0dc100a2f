/**
 * The verdict: which variant to use, and one sentence for people. Rules are tried in order; the first that applies
 * speaks.
 */
import { AGAINST, type Criterion, isQuantized } from '../choices.ts';
import { judge } from './criterion.ts';
import { formatCount, formatDecibels, formatNumber, formatShare, formatShort } from './format.ts';
import { gainsOf, isWorthwhile, speedAgainstFp32 } from './gain.ts';
import {
  closestComparison,
  comparisonWith,
  referenceOf,
  largestDifference,
  agreementOf,
  smallestSqnr,
} from './measures.ts';
import { failureText, labelOf, problemOf, toleranceText } from './problem.ts';
import { shorten } from './markup.ts';
import type { Comparison, Failure, Report, Variant } from './report.ts';

export interface VerdictParts {
  readonly variants: readonly Variant[];
  /** What INT8 must keep; {} for the defaults. */
  readonly criterion: Criterion;
  /** Why the job stopped, if it did. */
  readonly failure: Failure | null;
  /** False when the FP32 model is the user's own ONNX file: there is nothing to prove about it. Left out: true. */
  readonly converted?: boolean;
}

/** The parts with what the rules ask of them, worked out once. */
interface Case extends VerdictParts {
  readonly reference: Variant | null;
  readonly quantized: readonly Variant[];
  readonly chosen: Variant | null;
  label(variant: Variant): string;
}

interface Rule {
  readonly status: Report['verdict']['status'];
  /** What is wrong or right; null when the rule does not apply. */
  says(the: Case): string | null;
}

const samples = (n: number): string => `${formatCount(n)} sample${n === 1 ? '' : 's'}`;

// "within 1e-4" is only said when it holds without the relative part.
function equality(comparison: Comparison): string {
  const most = largestDifference(comparison) ?? 0;
  const over = `over ${samples(comparison.samples)}`;
  if (most === 0) return `equals PyTorch exactly ${over}`;
  const figures = `(max ${formatNumber(most)} ${over})`;
  const tolerance = most <= comparison.atol ? formatShort(comparison.atol) : toleranceText(comparison);
  return comparison.outputs.every((o) => o.withinTolerance !== null || o.elements === 0)
    ? `equals PyTorch within ${tolerance} ${figures}`
    : `is close to PyTorch ${figures}`;
}

function fidelity(variant: Variant, { converted }: { readonly converted: boolean }): string {
  const comparison = comparisonWith(variant, 'pytorch');
  if (comparison?.outputs.length) return equality(comparison);
  return converted ? 'runs in onnxruntime but was not compared with PyTorch' : 'runs in onnxruntime as it was given';
}

function quality(variant: Variant, reference: Variant | null): string | null {
  const accuracy = variant.validation?.accuracy;
  const before = reference?.validation?.accuracy;
  if (accuracy && before) return `keeps ${formatShare(accuracy.top1)} of ${formatShare(before.top1)} top-1`;
  if (accuracy) return `has ${formatShare(accuracy.top1)} top-1`;
  const closest = closestComparison(variant);
  const other = AGAINST[closest?.against ?? 'fp32'];
  // Reference inputs of a PyTorch comparison are never made up.
  const where = closest?.against === 'fp32' && variant.validation?.data === 'random' ? ' on random inputs' : '';
  const agreement = agreementOf(closest);
  if (agreement !== null) return `agrees with ${other} on ${formatShare(agreement)} of top-1${where}`;
  const sqnr = smallestSqnr(closest);
  if (sqnr === null) return null;
  return `${sqnr === Infinity ? `equals ${other} exactly` : `is ${formatDecibels(sqnr)} SQNR from ${other}`}${where}`;
}

const joined = (clauses: readonly string[]): string =>
  [clauses.slice(0, -1).join(', '), clauses.at(-1)!].filter((part) => part !== '').join(' and ');

function gains(the: Case, variant: Variant): string {
  const [first, ...more] = gainsOf(variant, the.reference);
  const kept = quality(variant, the.reference);
  const clauses = [...(first === undefined ? [] : [`is ${first}`, ...more]), ...(kept === null ? [] : [kept])];
  const uncompared = judge(variant, the.reference, the.criterion).unjudged ? ' but was not compared' : '';
  return `${the.label(variant)} ${clauses.length ? joined(clauses) : 'runs in onnxruntime'}${uncompared}`;
}

function shortfall(the: Case, variant: Variant): string {
  const { met, findings } = judge(variant, the.reference, the.criterion);
  if (met) return `${the.label(variant)} is ${joined(gainsOf(variant, the.reference))}`;
  const missed = findings.filter((f) => !f.met).map((f) => f.text);
  return `${the.label(variant)} ${missed.join(' and ') || 'was not compared with anything'}`;
}

const lost = (the: Case): readonly string[] =>
  the.quantized.flatMap((v) => (problemOf(v) === null ? [] : [`${the.label(v)} failed: ${problemOf(v)}`]));
/** It keeps enough, and something is gained by it. */
const isChoice = (variant: Variant, { reference, criterion }: Pick<Case, 'reference' | 'criterion'>): boolean =>
  judge(variant, reference, criterion).met && isWorthwhile(variant, reference);

const short = (the: Case): readonly string[] =>
  the.quantized.filter((v) => problemOf(v) === null && !isChoice(v, the)).map((v) => shortfall(the, v));

const proven = (the: Case): boolean => {
  if (the.reference && the.converted === false) return true;
  const base = the.reference ?? the.chosen;
  return base !== null && (comparisonWith(base, 'pytorch')?.outputs.length ?? 0) > 0;
};

const sentence = (lead: string, clauses: readonly (string | null)[]): string =>
  `${lead}: ${clauses.filter((c) => c !== null).join('; ')}.`;
const base = (the: Case): string | null =>
  the.reference ? `${the.label(the.reference)} ${fidelity(the.reference, { converted: the.converted ?? true })}` : null;
const winner = (the: Case): string | null => (the.chosen && isQuantized(the.chosen) ? gains(the, the.chosen) : null);

const RULES: readonly Rule[] = [
  {
    status: 'fail',
    says: ({ failure }) =>
      failure ? sentence(`Failed in ${shorten(failure.stage, 60)}`, [failureText(failure)]) : null,
  },
  { status: 'fail', says: ({ variants }) => (variants.length === 0 ? 'Failed: no model was written.' : null) },
  {
    status: 'fail',
    says: ({ reference, label }) =>
      reference && problemOf(reference) !== null && (reference.failure ?? reference.validation)
        ? sentence('Failed', [`${label(reference)} cannot be used: ${problemOf(reference)}`])
        : null,
  },
  {
    status: 'warn',
    says: ({ reference, label }) =>
      reference && !reference.validation ? `Not proven: ${label(reference)} was written but not validated.` : null,
  },
  { status: 'fail', says: (the) => (the.chosen ? null : sentence('Failed', [...lost(the), ...short(the)])) },
  {
    status: 'warn',
    says: (the) =>
      proven(the)
        ? null
        : sentence('Not proven', [
            base(the),
            winner(the),
            ...lost(the),
            winner(the) ? null : short(the).join('; ') || null,
          ]),
  },
  {
    status: 'warn',
    says: (the) => (lost(the).length ? sentence('Passed in part', [base(the), winner(the), ...lost(the)]) : null),
  },
  {
    status: 'warn',
    says: (the) =>
      the.chosen && !isQuantized(the.chosen) && the.quantized.length
        ? sentence('Passed in part', [base(the), `${short(the).join('; ')}, so ${the.label(the.chosen)} was chosen`])
        : null,
  },
  {
    status: 'warn',
    says: (the) =>
      the.chosen && isQuantized(the.chosen) && speedAgainstFp32(the.chosen) < 0
        ? sentence('Passed, but slower', [base(the), winner(the)])
        : null,
  },
  { status: 'pass', says: (the) => sentence('Passed', [base(the), winner(the)]) },
];

/**
 * The smallest quantized variant that passed, meets the criterion and is smaller or faster; else the reference if it
 * passed; else one that runs and had nothing to be compared with; else null. What was made from a reference that failed
 * proves nothing.
 */
export function chooseVariant(variants: readonly Variant[], criterion: Criterion = {}): string | null {
  const reference = referenceOf(variants);
  if (reference && problemOf(reference) !== null) return null;
  const sound = variants.filter((v) => isQuantized(v) && problemOf(v) === null);
  const smallest = (isFit: (variant: Variant) => boolean): Variant | null =>
    sound.filter(isFit).reduce<Variant | null>((best, v) => (best && best.bytes <= v.bytes ? best : v), null);
  const chosen =
    smallest((v) => isChoice(v, { reference, criterion })) ??
    reference ??
    smallest((v) => judge(v, reference, criterion).unjudged);
  return chosen?.name ?? null;
}

/** The verdict of a job. Pure: the same parts give the same words. */
export function decideVerdict(parts: VerdictParts): Report['verdict'] {
  const { variants } = parts;
  const name = chooseVariant(variants, parts.criterion);
  const the: Case = {
    ...parts,
    reference: referenceOf(variants),
    quantized: variants.filter(isQuantized),
    chosen: variants.find((v) => v.name === name) ?? null,
    label: (variant) => labelOf(variant, variants),
  };
  for (const { status, says } of RULES) {
    const text = says(the);
    if (text !== null) return { status, sentence: text };
  }
  throw new Error('the last rule always speaks');
}
