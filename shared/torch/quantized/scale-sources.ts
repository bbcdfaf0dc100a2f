/** One scale out of several places: the first place that has it wins, and places that disagree are told. */
import type { Affine, QParamsDifference, ScaleSource, SourcedAffine } from './quantized-model.ts';

export type Candidates = Readonly<Partial<Record<ScaleSource, Affine | null>>>;

/** Two places agree if one could be the other printed and read again. */
const TOLERANCE = 1e-6;

export interface Settled {
  readonly affine: SourcedAffine | null;
  readonly differences: readonly QParamsDifference[];
}

/** `candidates` in order of trust. */
export function settle(at: Pick<QParamsDifference, 'module' | 'place'>, candidates: Candidates): Settled {
  const all = Object.entries(candidates).flatMap(([from, affine]): SourcedAffine[] =>
    affine ? [{ ...affine, from: from as ScaleSource }] : [],
  );
  const [used, ...others] = all;
  if (!used) return { affine: null, differences: [] };
  const differences = others.filter((other) => !agree(used, other)).map((other) => ({ ...at, used, other }));
  return { affine: used, differences };
}

const agree = (a: Affine, b: Affine): boolean =>
  a.zeroPoint === b.zeroPoint && Math.abs(a.scale - b.scale) <= TOLERANCE * Math.max(a.scale, b.scale);
