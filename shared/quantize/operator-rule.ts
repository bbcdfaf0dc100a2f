/** What a rule says of an operator: how it reads its inputs, what its result becomes, by every approach. */
import type { Node } from '../onnx/ir.ts';
import type { OnnxOp } from '../onnx/schema/index.ts';
import type { CodeDtype } from '../tensor/qparams.ts';
import type { SumLayouts } from './sum-layouts.ts';

export type Axis = (node: Node, shape: readonly number[]) => number | null;

/** How a node reads one of its inputs. */
export type InputRole =
  /** Codes of a calibrated tensor. */
  | { readonly kind: 'activation' }
  /** Codes of a calibrated tensor, or a constant with its own range. */
  | { readonly kind: 'operand' }
  /** Codes of a constant, with one scale per index of `axis`; one scale for all where that is null. */
  | {
      readonly kind: 'weight';
      readonly axis: Axis;
      readonly sums: SumLayouts;
      /** The shape that axis and sums are of, where it is not that of the constant. */
      readonly view?: (shape: readonly number[]) => readonly number[];
    }
  /** A weight where it is constant, else codes of a calibrated tensor. */
  | { readonly kind: 'factor'; readonly axis: Axis; readonly sums: SumLayouts }
  /** int32 codes of a constant vector, with the scale of input 0 times that of the weight. */
  | { readonly kind: 'bias'; readonly columns?: (node: Node) => number | null }
  /** Rows of a constant table, each with its own scale. */
  | { readonly kind: 'table'; readonly axis: Axis }
  /** Left as it is: shapes, indices. */
  | { readonly kind: 'plain' };

export type OutputRole =
  /** Its range is calibrated. `optional`: the integer kernel can also give float. */
  | { readonly kind: 'observed'; readonly optional: boolean }
  | { readonly kind: 'fixed'; readonly dtype: CodeDtype; readonly scale: number; readonly zeroPoint: number }
  /** The codes of input 0, moved: same scale, same zero point. */
  | { readonly kind: 'shared' }
  /** Positions of elements: the same among codes as among numbers. */
  | { readonly kind: 'index' }
  | { readonly kind: 'float' };

/** What dynamic quantization makes of a node with a constant weight. */
export type DynamicForm =
  /** A product of activations, quantized anew in every run, and the weight. */
  | { readonly kind: 'product'; readonly refuse: (node: Node) => string | null }
  | { readonly kind: 'lookup' }
  /** Sums of codes whose scales are multiplied in behind them; only where it is asked for, and else why not. */
  | { readonly kind: 'convolution'; readonly reason: string }
  /** onnxruntime has one operator for it, which quantizes what it reads as it runs, or reads codes. */
  | { readonly kind: 'recurrent' | 'attention' | 'embedding'; readonly refuse: (node: Node) => string | null }
  /** It stays in float: worth a line in the report. */
  | { readonly kind: 'float'; readonly reason: string };

export interface OperatorRule {
  /**
   * `weights`: worth quantizing for itself. `between`: only where codes come in and codes are wanted, so that no Q or
   * DQ is added for it. `fold`: disappears into the range of what it reads.
   */
  readonly when: 'weights' | 'between' | 'fold';
  /** By position; the last one repeats for variadic inputs. Absent positions are `plain`. */
  readonly inputs: readonly InputRole[];
  readonly variadic?: boolean;
  readonly output: OutputRole;
  /** Whether onnxruntime's CPU provider has an integer kernel for it. */
  readonly kernel: boolean;
  /** Only where op_types_to_quantize names the operator; else it stays in float, for this reason. */
  readonly asked?: string;
  /** Where its first input is computed. */
  readonly computed?: OperatorRule;
  /** Why this node has to stay in float, or null. */
  readonly refuse?: (node: Node) => string | null;
  /** It has no bias input: one is added by this operator behind it, best before anything is rounded. */
  readonly biasIn?: OnnxOp;
  /** Left out: dynamic quantization does not look at it. */
  readonly dynamic?: DynamicForm;
}

/** Operators that have no quantized form, or that nobody misses one of. */
export interface FloatRule {
  readonly when: 'never';
  /** Not worth a line in the report. */
  readonly isQuiet: boolean;
  readonly dynamic?: DynamicForm;
}
