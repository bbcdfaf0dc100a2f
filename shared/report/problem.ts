/** Why a variant did not pass, in words. */
import { isQuantized, VARIANTS } from '../choices.ts';
import { formatNumber, formatShort } from './format.ts';
import { shorten } from './markup.ts';
import { worstOutput } from './measures.ts';
import type { Comparison, Failure, Variant } from './report.ts';

/** "FP32" or "INT8", or the variant's name where several share the type. */
export const labelOf = (variant: Variant, variants: readonly Variant[]): string =>
  variant.name === variant.dtype || variants.filter((v) => v.dtype === variant.dtype).length === 1
    ? VARIANTS[variant.dtype].title
    : shorten(variant.name, 60);

export const toleranceText = ({ rtol, atol }: Comparison): string =>
  `rtol ${formatShort(rtol)}, atol ${formatShort(atol)}`;

/** The first line of a failure with its code, fit to stand inside a sentence. */
export const failureText = ({ message, code }: Failure): string =>
  `${shorten((message.trim().split('\n')[0] ?? '').replace(/[\s:;,.]+$/, ''), 240)} (${shorten(code, 60)})`;

// A quantized model is never within an FP32 tolerance: the criterion judges it.
function outsideTolerance(variant: Variant): string | null {
  if (isQuantized(variant)) return null;
  for (const comparison of variant.validation?.comparisons ?? []) {
    const outside = worstOutput(comparison.outputs.filter((o) => o.withinTolerance === false));
    if (outside) {
      return (
        `output "${shorten(outside.output, 80)}" differs by up to ${formatNumber(outside.maxAbsDiff)}, ` +
        `more than ${toleranceText(comparison)} allows`
      );
    }
  }
  return null;
}

/**
 * What kept a variant from passing; null when it was made, ran, passed its checks and, for FP32, stayed within
 * tolerance.
 */
export function problemOf(variant: Variant): string | null {
  if (variant.failure) return failureText(variant.failure);
  if (!variant.validation) return 'it was not validated';
  const failed = variant.validation.checks.find((check) => !check.passed);
  if (failed) return `the check "${shorten(failed.name, 80)}" failed: ${shorten(failed.detail, 160)}`;
  return outsideTolerance(variant);
}
