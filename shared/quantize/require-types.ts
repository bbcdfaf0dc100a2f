/** Types of codes that an approach or a format does not have. */
import type { ComputedApproach, QuantFormat } from '../choices.ts';
import { fail } from '../errors.ts';
import { CODES } from '../tensor/qparams.ts';
import type { CodeSpec, Recipe } from './recipe.ts';

interface Use {
  readonly approach: ComputedApproach;
  readonly format: QuantFormat;
}

const isWide = ({ dtype }: CodeSpec): boolean => CODES[dtype].high - CODES[dtype].low > 255;

/** Fails with BadOption where codes of 16 bits have no operator. */
export function requireTypes({ activations, weights }: Recipe, { approach, format }: Use): void {
  if (approach === 'weight-only') return;
  const all = [
    ['activation_type', approach === 'static' ? activations : null],
    ['weight_type', weights],
  ] as const;
  for (const [option, spec] of all) {
    if (!spec || !isWide(spec)) continue;
    const refuse = (expected: string): never => fail('BadOption', { option, value: spec.dtype, expected });
    if (approach === 'dynamic') refuse('8 bits: dynamic quantization has no kernels for more');
    if (format !== 'QDQ') refuse('8 bits, or quant_format QDQ: onnxruntime has no operators on codes of 16 bits');
  }
}
