/** What to do next, in order of gain: what nothing else can be trusted without comes first, fine tuning last. */
import { isQuantized } from '../choices.ts';
import { isQuality, judge } from './criterion.ts';
import { formatCount } from './format.ts';
import { gainsOf, isWorthwhile, speedAgainstFp32 } from './gain.ts';
import { kernelSummary } from './kernels.ts';
import { baseName } from './link.ts';
import { comparisonWith, referenceOf } from './measures.ts';
import { labelOf, problemOf } from './problem.ts';
import { shorten } from './markup.ts';
import type { Report, Variant } from './report.ts';
import type { LayerError } from './quantization.ts';

export interface Advice {
  readonly what: string;
  /** A line of a job or a file beside the model. */
  readonly how: string;
}

interface Case {
  readonly report: Report;
  readonly reference: Variant | null;
  /** Quantized and in order. */
  readonly sound: readonly Variant[];
  /** File beside the model. */
  beside(suffix: string): string;
  label(variant: Variant): string;
}

/** null: nothing to say. */
type Rule = (the: Case) => Advice | null;

const unproven: Rule = ({ reference, report, beside, label }) =>
  reference && report.conversion && reference.validation && !comparisonWith(reference, 'pytorch')
    ? {
        what: `Nothing was compared with PyTorch: let its own numbers prove ${label(reference)}`,
        how: `${beside('reference.npz')} beside the model: inputs, and the outputs PyTorch computes`,
      }
    : null;

const useless: Rule = ({ sound, reference, label }) => {
  const variant = sound.find((each) => !isWorthwhile(each, reference));
  return variant
    ? {
        what: `${label(variant)} is ${gainsOf(variant, reference).join(' and ')}: skip it`,
        how: `"dtype": ["${reference?.name ?? 'fp32'}"]`,
      }
    : null;
};

const LAYERS_NAMED = 3;

/** One that misses a limit of quality, and whose layers were compared. */
const inaccurateIn = ({ sound, reference, report }: Case): Variant | undefined => {
  const missing = (variant: Variant): boolean =>
    judge(variant, reference, report.criterion ?? {}).findings.some(({ met, measure }) => !met && isQuality(measure));
  return sound.find((each) => missing(each) && each.quantization?.layers.some(({ sqnr }) => sqnr !== null));
};

const inaccurate: Rule = (the) => {
  const variant = inaccurateIn(the);
  const worst = variant?.quantization?.layers.filter(({ sqnr }) => sqnr !== null).slice(0, LAYERS_NAMED) ?? [];
  return variant
    ? {
        what: `${the.label(variant)} misses the criterion: leave the layers that are furthest off in float`,
        how: `"keep_float": ${namesOf(worst)}, or "recipe": "auto" to find them`,
      }
    : null;
};

const wasTried = ({ quantization }: Variant): boolean => quantization?.tuning !== undefined;

const untried: Rule = (the) => {
  const variant = inaccurateIn(the);
  return variant && !wasTried(variant)
    ? {
        what: `Or let trials find the form and the layers with which ${the.label(variant)} is accurate enough`,
        how: '"recipe": "auto"',
      }
    : null;
};

const namesOf = (layers: readonly LayerError[]): string =>
  JSON.stringify(layers.map(({ layer }) => shorten(layer, 120)));

const uncalibrated: Rule = ({ sound, beside, label }) => {
  const variant = sound.find((each) => each.quantization?.approach === 'dynamic' && !wasTried(each));
  return variant
    ? {
        what: `${label(variant)} finds the ranges of activations at every run: calibration data put them in the file`,
        how: `${beside('calibration.npz')} beside the model: representative inputs`,
      }
    : null;
};

const inFloat: Rule = ({ sound, label }) => {
  const slow = sound.find(
    (each) =>
      !wasTried(each) && speedAgainstFp32(each) <= 0 && kernelSummary(each.validation?.kernels ?? []).float.length,
  );
  if (!slow) return null;
  const kernels = slow.validation!.kernels!;
  const { float } = kernelSummary(kernels);
  return {
    what:
      `${label(slow)} is no faster, and ${formatCount(float.length)} of ${formatCount(kernels.length)} operators on ` +
      'codes run in float: try the other form',
    how: `"quant_format": ["${slow.quantization?.format === 'QDQ' ? 'QLinear' : 'QDQ'}"]`,
  };
};

const unlabelled: Rule = ({ sound, beside }) =>
  sound.length && sound.every(({ validation }) => !validation?.accuracy)
    ? {
        what: 'How many samples are still classified right is not known: labels tell',
        how: `${beside('test.npz')} beside the model: inputs, and classes as "y"`,
      }
    : null;

const madeUp: Rule = ({ report, beside }) =>
  report.variants.some(({ validation }) => validation?.data === 'random')
    ? {
        what: 'The inputs were random: yours may have other ranges and other outliers',
        how: `${beside('test.npz')} beside the model, or "example_inputs"`,
      }
    : null;

// The order is that of the gain.
const RULES: readonly Rule[] = [unproven, useless, inaccurate, untried, inFloat, uncalibrated, unlabelled, madeUp];

/** Of a job that failed there is none: its failure says what to do. */
export function adviceFor(report: Report): readonly Advice[] {
  const { variants } = report;
  if (report.failure) return [];
  const stem = shorten(baseName(report.model.key).replace(/\.[^.]+$/, ''), 80);
  const the: Case = {
    report,
    reference: referenceOf(variants),
    sound: variants.filter((variant) => isQuantized(variant) && problemOf(variant) === null),
    beside: (suffix) => `${stem}.${suffix}`,
    label: (variant) => labelOf(variant, variants),
  };
  return RULES.flatMap((rule) => rule(the) ?? []);
}
