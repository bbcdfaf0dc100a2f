/** The steps of a conversion, all of them, in their order. A new one is a file and a row here. */
import { type Pass, type Rule, sequence, untilStable } from '../pass.ts';
import { rewriting } from '../rewrite.ts';
import { eliminateIdentity } from './eliminate-identity.ts';
import { foldBatchNorm } from './fold-batch-norm.ts';
import { foldConstants } from './fold-constants.ts';
import { foldWeights, moveWeights } from './fold-weights.ts';
import { convOnCodes } from './integer-kernels/conv-on-codes.ts';
import { addAfterProduct, gemmOnCodes } from './integer-kernels/gemm-on-codes.ts';
import { placeQuantization, reluBeforeRounding, roundedAlready } from './integer-kernels/placement.ts';
import { transposedCodes } from './integer-kernels/transposed-codes.ts';
import { unsignedConstants } from './integer-kernels/unsigned-constants.ts';
import { ownZeroPoints } from './integer-kernels/zero-points.ts';
import { constantReshape, mergeCasts, mergeReshapes, mergeTransposes, mergeUnsqueezes } from './merge.ts';
import { nameValues } from './name-values.ts';
import { removeUnused } from './remove-unused.ts';
import { requireKernels } from './require-kernels.ts';
import { shareCommon, shareInitializers } from './share.ts';
import { unsignedCodes } from './unsigned-codes.ts';
import { widenInterface } from './widen-interface.ts';
import { widenHalf } from './widen-kernels.ts';

/** Rules of one list are tried on each node in one walk. */
export type Step = Pass | readonly Rule[];

export interface Stage {
  readonly name: string;
  readonly untilStable: boolean;
  readonly steps: readonly Step[];
}

const SHRINK: Stage = {
  name: 'shrink',
  untilStable: true,
  steps: [
    [foldConstants],
    [
      eliminateIdentity,
      mergeTransposes,
      mergeCasts,
      mergeUnsqueezes,
      constantReshape,
      mergeReshapes,
      moveWeights,
      foldBatchNorm,
      foldWeights,
    ],
    shareInitializers,
    shareCommon,
    removeUnused,
  ],
};

export const STAGES: readonly Stage[] = [
  // Types first: what is cast here is simplified afterwards.
  { name: 'adapt', untilStable: false, steps: [widenInterface, [widenHalf], unsignedCodes] },
  SHRINK,
  // What PyTorch quantized, in the form onnxruntime has integer kernels for. Rounding is placed first: a convolution
  // that gives codes then stays as it is.
  {
    name: 'integer-kernels',
    untilStable: false,
    steps: [
      placeQuantization,
      [reluBeforeRounding, roundedAlready],
      [gemmOnCodes, addAfterProduct, convOnCodes, unsignedConstants],
      [transposedCodes],
    ],
  },
  SHRINK,
  { name: 'finish', untilStable: false, steps: [ownZeroPoints, nameValues, requireKernels] },
];

/** `keepWeights`: nothing computes new weights, so that all can be linked to the file they lie in. */
export function passOf(stages: readonly Stage[], { keepWeights = false } = {}): Pass {
  const toPass = (stage: string, step: Step): Pass =>
    isPass(step)
      ? step
      : rewriting(
          stage,
          step.filter(({ newWeights }) => !(keepWeights && newWeights)),
        );
  return sequence(
    'conversion',
    stages.map((stage) => {
      const steps = sequence(
        stage.name,
        stage.steps.map((step) => toPass(stage.name, step)),
      );
      return stage.untilStable ? untilStable(steps) : steps;
    }),
  );
}

const isPass = (step: Step): step is Pass => 'run' in step;
