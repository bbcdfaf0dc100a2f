/** What a calibrator is: what it computes of a tensor in the graph, and the range that follows. */
import type { Builder } from '../../onnx/builder.ts';
import type { Value } from '../../onnx/ir.ts';
import type { Range } from '../formulas.ts';
import type { CodeSpec } from '../recipe.ts';

/** What can be chosen; what is left out is the observer's default. */
export interface ObserverOptions {
  /** Of histograms. */
  readonly numBins?: number;
  /** How many of a hundred magnitudes keep their value. */
  readonly percentile?: number;
  /** Percentile cuts off at both ends by themselves, not the largest magnitudes. */
  readonly twoSided?: boolean;
  /** The part of a moving average that the next batch is. */
  readonly averagingConstant?: number;
}

export interface Observer {
  /** How often the calibration data is run. */
  readonly rounds: number;
  /** `spec`: the codes that the range will become. */
  watch(spec: CodeSpec, options: ObserverOptions): Watch;
}

/** The memory of one tensor. */
export interface Watch {
  /** float32 values to fetch in every batch of a round: few that are computed in the graph, or all of the tensor. */
  probes(op: Builder, tensor: Value, round: number): readonly Value[];
  /** How many values that is for the largest batch, where it is more than a few. */
  elements?(round: number): number;
  /** Numbers of the probes for one batch. False: the tensor has NaN or infinities. */
  absorb(results: readonly Float32Array[], round: number): boolean;
  /** null: nothing was seen. */
  range(): Range | null;
  /** Whose range it is, where an observer chooses among several. */
  readonly chosen?: string | null;
}
