/** The passes of a conversion, in their order. */
import { type Pass, rewriting, type Rule, sequence, untilStable } from '../rewrite.ts';
import { eliminateIdentity } from './eliminate-identity.ts';
import { foldBatchNorm } from './fold-batch-norm.ts';
import { foldConstants } from './fold-constants.ts';
import { foldWeights, moveWeights } from './fold-weights.ts';
import { constantReshape, mergeCasts, mergeReshapes, mergeTransposes, mergeUnsqueezes } from './merge.ts';
import { nameValues } from './name-values.ts';
import { removeUnused } from './remove-unused.ts';
import { shareCommon, shareInitializers } from './share.ts';

export type { PassLog, PassResult } from '../rewrite.ts';

const FUSE: readonly Rule[] = [
  eliminateIdentity,
  mergeTransposes,
  mergeCasts,
  mergeUnsqueezes,
  constantReshape,
  mergeReshapes,
  moveWeights,
];

const simplify = (newWeights: readonly Rule[]): Pass =>
  sequence('simplify', [
    untilStable(
      sequence('shrink', [
        rewriting('fold', [foldConstants]),
        rewriting('fuse', [...FUSE, ...newWeights]),
        shareInitializers,
        shareCommon,
        removeUnused,
      ]),
    ),
    nameValues,
  ]);

export const SIMPLIFY: Pass = simplify([foldBatchNorm, foldWeights]);

/** Without passes that compute new weights: every weight can still be linked to the file it lies in. */
export const SIMPLIFY_LINKED: Pass = simplify([]);
