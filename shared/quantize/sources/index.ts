/** Approaches to quantization, each with what makes its plan. */
import type { ComputedApproach } from '../../choices.ts';
import { planDynamic } from './dynamic.ts';
import { planObserved } from './observed.ts';
import type { Source } from './source.ts';
import { planWeightOnly } from './weight-only.ts';

export const SOURCES = {
  static: planObserved,
  dynamic: planDynamic,
  'weight-only': planWeightOnly,
} as const satisfies Record<ComputedApproach, Source>;
