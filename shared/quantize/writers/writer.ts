/** What the ways of writing a plan have in common: their request and their result. */
import type { Model, Node, Value } from '../../onnx/ir.ts';
import type { QParamValues } from '../../onnx/qparam-values.ts';
import type { QParams } from '../../tensor/qparams.ts';
import type { ExtraOptions } from '../extra-options.ts';
import type { Plan, TensorPlan } from '../plan.ts';
import type { Fitted } from '../weight-only/blocked-weights.ts';

export interface WriteRequest {
  /** Rewritten in place. */
  readonly model: Model;
  readonly plan: Plan;
  readonly params: ReadonlyMap<TensorPlan, QParams>;
  /** Of onnxruntime's tool: how pairs of Q and DQ stand. */
  readonly extra?: ExtraOptions;
  /** Weights in blocks whose codes were found on calibration data. */
  readonly fitted?: ReadonlyMap<TensorPlan, Fitted>;
}

/** Where the result of a quantized node is in the new graph. */
export interface Written {
  /** The node of the FP32 model: its operator, name and origin. */
  readonly node: Node;
  /** The tensor's name in the FP32 model. */
  readonly tensor: string;
  readonly value: Value;
  /** Set where the value holds codes. */
  readonly qparams: QParamValues | null;
}

export type Writer = (request: WriteRequest) => Written[];
