/** What a calibrator is: what it computes of a tensor in the graph, and the range that follows. */
import type { Builder } from '../../onnx/builder.ts';
import type { Value } from '../../onnx/ir.ts';
import type { Range } from '../formulas.ts';

export interface Observer {
  /** In the report. */
  readonly title: string;
  /** How often the calibration data is run. */
  readonly rounds: number;
  watch(): Watch;
}

/** The memory of one tensor. */
export interface Watch {
  /** float32 values to fetch in every batch of a round, computed in the graph so that no tensor leaves it. */
  probes(op: Builder, tensor: Value, round: number): readonly Value[];
  /** Numbers of the probes for one batch. False: the tensor has NaN or infinities. */
  absorb(results: readonly Float32Array[], round: number): boolean;
  /** null: nothing was seen. */
  range(): Range | null;
}
