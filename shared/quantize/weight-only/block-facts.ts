/** How large weights in blocks are. */
import type { WeightOnly } from '../../choices.ts';
import type { BlockedWeightFacts } from '../../report/quantization.ts';
import { blocksIn } from '../../tensor/blocks.ts';
import { elementCount } from '../../tensor/type.ts';
import { type Plan, type PlanOf, plansOfKind } from '../plan.ts';
import { layoutOf } from './fit-blocks.ts';

const SCALE_BITS = 32;

export function blockFacts(plan: Plan, { bits, blockSize, symmetric, algorithm }: WeightOnly): BlockedWeightFacts {
  const weights = plansOfKind(plan, 'blocked');
  const total = (count: (weight: PlanOf<'blocked'>) => number): number =>
    weights.reduce((sum, weight) => sum + count(weight), 0);
  const elements = total(({ data }) => elementCount(data.shape));
  const blocks = total((weight) => layoutOf(weight).n * blocksIn(layoutOf(weight)));
  const perBlock = SCALE_BITS + (symmetric ? 0 : bits);
  return {
    bits,
    blockSize,
    symmetric,
    algorithm,
    elements,
    bytes: Math.ceil((elements * bits + blocks * perBlock) / 8),
  };
}
