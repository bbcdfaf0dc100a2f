/** Approaches to quantization, each with what makes its plan. */
import type { ComputedApproach } from '../../choices.ts';
import { planDynamic } from './dynamic.ts';
import { planObserved } from './observed.ts';
import type { Source } from './source.ts';

export const SOURCES = { static: planObserved, dynamic: planDynamic } as const satisfies Record<
  ComputedApproach,
  Source
>;
