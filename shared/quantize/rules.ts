/**
 * How each ONNX operator is quantized, by every approach: one row each. What has no row stays in float.
 */
import type { Node } from '../onnx/ir.ts';
import { constantOf, float as floatOf, int, ints, string } from '../onnx/match.ts';
import type { OnnxOp } from '../onnx/schema/index.ts';
import type { CodeDtype } from '../tensor/qparams.ts';
import { alongColumns, ofConv, ofGemm, type SumLayouts } from './sum-layouts.ts';

type Axis = (node: Node, shape: readonly number[]) => number | null;

/** How a node reads one of its inputs. */
export type InputRole =
  /** Codes of a calibrated tensor. */
  | { readonly kind: 'activation' }
  /** Codes of a calibrated tensor, or a constant with its own range. */
  | { readonly kind: 'operand' }
  /** Codes of a constant, with one scale per index of `axis`; one scale for all where that is null. */
  | { readonly kind: 'weight'; readonly axis: Axis; readonly sums: SumLayouts }
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
  | { readonly kind: 'float' };

/** What dynamic quantization makes of a node with a constant weight. */
type DynamicForm =
  /** A product of activations, quantized anew in every run, and the weight. */
  | { readonly kind: 'product'; readonly refuse: (node: Node) => string | null }
  | { readonly kind: 'lookup' }
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
  /** Why this node has to stay in float, or null. */
  readonly refuse?: (node: Node) => string | null;
  /** It has no bias input: one is added by this operator behind it, best before anything is rounded. */
  readonly biasIn?: OnnxOp;
  /** Left out: dynamic quantization does not look at it. */
  readonly dynamic?: DynamicForm;
}

/** Operators that have no quantized form, or that nobody misses one of. */
interface FloatRule {
  readonly when: 'never';
  /** Not worth a line in the report. */
  readonly isQuiet: boolean;
  readonly dynamic?: DynamicForm;
}

const activation: InputRole = { kind: 'activation' };
const operand: InputRole = { kind: 'operand' };
const bias: InputRole = { kind: 'bias' };
const gemmColumns = (node: Node): number | null =>
  constantOf(node.inputs[1])?.shape[int(node, 'transB') ? 0 : 1] ?? null;
/** May be any shape that broadcasts to the sum; integer kernels take one number for each column. */
const broadcastBias = (columns: (node: Node) => number | null): InputRole => ({ kind: 'bias', columns });
const table: InputRole = { kind: 'table', axis: () => 0 };
const plain: InputRole = { kind: 'plain' };
const weight = (axis: Axis, sums: SumLayouts): InputRole => ({ kind: 'weight', axis, sums });

const observed: OutputRole = { kind: 'observed', optional: false };
const optional: OutputRole = { kind: 'observed', optional: true };
const shared: OutputRole = { kind: 'shared' };
const float: OutputRole = { kind: 'float' };
/** Between 0 and 1, known without looking. */
const unitRange: OutputRole = { kind: 'fixed', dtype: 'uint8', scale: 1 / 256, zeroPoint: 0 };

const FLOAT_CONV: DynamicForm = {
  kind: 'float',
  reason:
    'integer convolutions load only in recent onnxruntime versions and have one scale for all channels: ' +
    'dynamic quantization leaves them in float',
};
const QUIET: FloatRule = { when: 'never', isQuiet: true };
/** Has weights, and stays in float all the same. */
const NO_FORM: FloatRule = {
  when: 'never',
  isQuiet: false,
  dynamic: { kind: 'float', reason: 'it has no dynamic form' },
};

const between = (...inputs: readonly InputRole[]) => ({ when: 'between', inputs, kernel: true }) as const;
const moving: OperatorRule = { ...between(activation), output: shared };

export const RULES: Readonly<Partial<Record<OnnxOp, OperatorRule | FloatRule>>> = {
  Conv: {
    when: 'weights',
    inputs: [activation, weight(() => 0, ofConv), bias],
    output: observed,
    kernel: true,
    dynamic: FLOAT_CONV,
  },
  // No integer kernel: Q/DQ round it without making it faster. With groups the channels of one scale would mix.
  ConvTranspose: {
    when: 'weights',
    inputs: [
      activation,
      weight(
        (node) => (int(node, 'group') === 1 ? 1 : null),
        () => [],
      ),
      bias,
    ],
    output: observed,
    kernel: false,
    dynamic: FLOAT_CONV,
  },
  Gemm: {
    when: 'weights',
    inputs: [activation, weight((node) => (int(node, 'transB') ? 0 : 1), ofGemm), broadcastBias(gemmColumns)],
    output: optional,
    kernel: true,
    refuse: (node) => (floatOf(node, 'alpha') !== 1 ? 'alpha is not 1' : null),
    dynamic: { kind: 'product', refuse: refuseDynamicGemm },
  },
  // The kernel takes u8 x s8, never s8 x u8: a constant on the left is u8 as activations are.
  MatMul: {
    when: 'weights',
    inputs: [operand, { kind: 'factor', axis: (_, shape) => (shape.length === 2 ? 1 : null), sums: alongColumns }],
    output: optional,
    kernel: true,
    refuse: refuseProduct,
    biasIn: 'Add',
    dynamic: { kind: 'product', refuse: () => null },
  },
  Gather: {
    when: 'weights',
    inputs: [table, plain],
    output: float,
    kernel: true,
    refuse: (node) =>
      int(node, 'axis') !== 0 ? 'only tables that are looked up by row (axis 0) have a scale per row' : null,
    dynamic: { kind: 'lookup' },
  },

  Add: { ...between(operand, operand), output: observed },
  Mul: { ...between(operand, operand), output: observed },
  Concat: { ...between(activation), variadic: true, output: observed },
  Sigmoid: { ...between(activation), output: observed },
  LeakyRelu: { ...between(activation), output: observed },
  Softmax: { ...between(activation), output: unitRange },
  AveragePool: { ...between(activation), output: observed, refuse: refusePool },
  GlobalAveragePool: { ...between(activation), output: observed },

  Relu: { when: 'fold', inputs: [activation], output: observed, kernel: true },
  Clip: { when: 'fold', inputs: [activation], output: observed, kernel: true, refuse: refuseClip },

  MaxPool: { ...moving, refuse: (node) => (node.outputs.length > 1 ? 'its indices are used' : refusePool(node)) },
  Reshape: moving,
  Flatten: moving,
  Transpose: moving,
  Squeeze: moving,
  Unsqueeze: moving,
  Slice: moving,
  Expand: moving,
  Tile: moving,
  DepthToSpace: moving,
  Split: moving,
  Pad: {
    ...moving,
    refuse: (node) => (isConstantPad(node) && !padsWithZero(node) ? 'it pads with something else than 0' : null),
  },
  Resize: { ...moving, refuse: refuseResize },

  LSTM: NO_FORM,
  GRU: NO_FORM,
  RNN: NO_FORM,
  Einsum: NO_FORM,

  Constant: QUIET,
  ConstantOfShape: QUIET,
  Identity: QUIET,
  Cast: QUIET,
  QuantizeLinear: QUIET,
  DequantizeLinear: QUIET,
};

/** The row of a standard operator. */
const rowOf = (node: Node): OperatorRule | FloatRule | undefined =>
  node.domain === '' && Object.hasOwn(RULES, node.op) ? RULES[node.op as OnnxOp] : undefined;

/** The row of an operator with a quantized form. */
export function ruleOf(node: Node): OperatorRule | undefined {
  const row = rowOf(node);
  return row && row.when !== 'never' ? row : undefined;
}

export const dynamicFormOf = (node: Node): DynamicForm | undefined => rowOf(node)?.dynamic;

/** Whether nobody would ask why it stays in float. */
export function isQuiet(node: Node): boolean {
  const row = rowOf(node);
  return row?.when === 'never' ? row.isQuiet : row?.output.kind === 'shared';
}

export const roleAt = (rule: OperatorRule, index: number): InputRole =>
  rule.inputs[index] ?? (rule.variadic ? rule.inputs.at(-1)! : plain);

/** Which input is the weight or the table; -1: none. */
export const weightIndexOf = (rule: OperatorRule): number =>
  rule.inputs.findIndex(({ kind }) => kind === 'weight' || kind === 'factor' || kind === 'table');

/** Along which axis of its weight the outputs of a node lie; null: none. */
export function weightAxisOf(node: Node, rule: OperatorRule): number | null {
  const index = weightIndexOf(rule);
  const role = roleAt(rule, index);
  return 'axis' in role ? role.axis(node, constantOf(node.inputs[index])?.shape ?? []) : null;
}

export const isLookup = (node: Node): boolean => {
  const rule = ruleOf(node);
  return rule !== undefined && roleAt(rule, 0).kind === 'table';
};

export const isConstantPad = (node: Node): boolean => string(node, 'mode') === 'constant';

function padsWithZero(node: Node): boolean {
  const value = node.inputs[2];
  return !value || (constantOf(value)?.memory?.every((byte) => byte === 0) ?? false);
}

function refuseResize(node: Node): string | null {
  if (string(node, 'mode') !== 'nearest') return 'only nearest neighbours keep the codes';
  return string(node, 'coordinate_transformation_mode') === 'tf_crop_and_resize' ? 'it crops' : null;
}

function refuseProduct(node: Node): string | null {
  return node.inputs.some((input) => constantOf(input)?.shape.length === 1) ? 'it multiplies by a vector' : null;
}

function refuseDynamicGemm(node: Node): string | null {
  if (int(node, 'transA')) return 'its left side is transposed';
  const isScaled = node.inputs[2] && floatOf(node, 'beta') !== 1;
  return isScaled && constantOf(node.inputs[2])?.dtype !== 'float32' ? 'beta is not 1 and its bias is computed' : null;
}

function refusePool(node: Node): string | null {
  const isDilated = ints(node, 'dilations')?.some((d) => Number(d) !== 1);
  return isDilated ? 'the integer kernel has no dilations' : null;
}

// The codes of what remains always include that of 0 and saturate at their ends: a clip that excludes 0 would not be
// the same.
function refuseClip(node: Node): string | null {
  for (const [index, allowed] of [
    [1, (x: number) => x <= 0],
    [2, (x: number) => x >= 0],
  ] as const) {
    const input = node.inputs[index];
    if (!input) continue;
    const data = constantOf(input);
    if (!data?.memory || data.dtype !== 'float32') return 'its bounds are not constant';
    if (!allowed(new DataView(data.memory.buffer, data.memory.byteOffset).getFloat32(0, true)))
      return 'its bounds exclude 0';
  }
  return null;
}
