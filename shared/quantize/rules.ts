/**
 * How each ONNX operator is quantized, by every approach: one row each. What has no row stays in float.
 */
import type { Node } from '../onnx/ir.ts';
import { constantOf, float as floatOf, int, mayBeFloat } from '../onnx/match.ts';
import { CONTRIB_DOMAIN } from '../onnx/schema/contrib.ts';
import type { OnnxOp } from '../onnx/schema/index.ts';
import type { Axis, DynamicForm, FloatRule, InputRole, OperatorRule, OutputRole } from './operator-rule.ts';
import {
  refuseAttention,
  refuseClip,
  refuseDynamicGemm,
  refuseEmbedding,
  refusePad,
  refusePool,
  refuseProduct,
  refuseRecurrent,
  refuseResize,
  refuseStatistics,
  refuseSubgraph,
} from './refuse-node.ts';
import { alongColumns, alongRows, ofConv, ofGemm, type SumLayouts } from './sum-layouts.ts';

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
const index: OutputRole = { kind: 'index' };
/** Between 0 and 1, known without looking. */
const unitRange: OutputRole = { kind: 'fixed', dtype: 'uint8', scale: 1 / 256, zeroPoint: 0 };

/** Of one thread, on x64 with VNNI: 0.85 to 1.35 times the time of a float one, depthwise six times. */
const CONVOLUTION: DynamicForm = {
  kind: 'convolution',
  reason:
    'integer convolutions are hardly faster than float ones where codes are found in every run: it stays in float ' +
    'unless op_types_to_quantize names it',
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

/** As onnxruntime's tool writes it, for other runtimes. */
const normalization: OperatorRule = {
  when: 'weights',
  inputs: [
    activation,
    weight(
      () => null,
      () => [],
    ),
    bias,
  ],
  output: observed,
  kernel: false,
  asked: 'onnxruntime computes it in float, and it makes nothing smaller',
  refuse: refuseStatistics,
};

/** Any operator on numbers, as onnxruntime's tool has it: all that it reads and gives is rounded. */
const genericRule = ({ inputs }: Node): OperatorRule => ({
  when: 'weights',
  inputs: inputs.map((value) => (value && mayBeFloat(value) ? operand : plain)),
  output: observed,
  kernel: false,
  asked: 'it has no quantized form',
  refuse: refuseSubgraph,
});

/** `[directions, gates * hidden, size]`: a row for each gate of each direction. */
const gates: InputRole = {
  kind: 'weight',
  axis: () => 0,
  sums: alongRows,
  view: ([directions = 1, rows = 1, size = 1]) => [directions * rows, size],
};
const onlyDynamic = (dynamic: DynamicForm) =>
  ({ when: 'weights', output: float, kernel: true, refuse: () => 'it has no static form', dynamic }) as const;

/** Operators of onnxruntime that stand in a graph already. */
const CONTRIB_RULES: Readonly<Record<string, OperatorRule>> = {
  Attention: {
    ...onlyDynamic({ kind: 'attention', refuse: refuseAttention }),
    inputs: [activation, weight(() => 1, alongColumns)],
  },
  EmbedLayerNormalization: {
    ...onlyDynamic({ kind: 'embedding', refuse: refuseEmbedding }),
    // Tables, then scale and shift of the normalization.
    inputs: [plain, plain, operand, operand, operand, operand, operand],
  },
};

export const RULES: Readonly<Partial<Record<OnnxOp, OperatorRule | FloatRule>>> = {
  Conv: {
    when: 'weights',
    inputs: [activation, weight(() => 0, ofConv), bias],
    output: observed,
    kernel: true,
    dynamic: CONVOLUTION,
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
    dynamic: { kind: 'float', reason: 'it has no dynamic form' },
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
    computed: moving,
  },

  Add: { ...between(operand, operand), output: observed },
  Mul: { ...between(operand, operand), output: observed },
  Concat: { ...between(activation), variadic: true, output: observed },
  Sigmoid: { ...between(activation), output: observed },
  LeakyRelu: { ...between(activation), output: observed },
  Softmax: { ...between(activation), output: unitRange },
  AveragePool: { ...between(activation), output: observed, refuse: refusePool },
  GlobalAveragePool: { ...between(activation), output: observed },
  // A constant branch is often a mask of the lowest number there is, which leaves no codes for the others.
  Where: { ...between(plain, activation, activation), output: observed },
  ArgMax: { ...between(activation), output: index },
  ArgMin: { ...between(activation), output: index },

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
  SpaceToDepth: moving,
  GatherElements: moving,
  GatherND: moving,
  ReduceMax: moving,
  ReduceMin: moving,
  Split: moving,
  Pad: { ...moving, refuse: refusePad },
  Resize: { ...moving, refuse: refuseResize },

  InstanceNormalization: normalization,
  LayerNormalization: normalization,
  BatchNormalization: normalization,
  TopK: {
    when: 'weights',
    inputs: [activation],
    output: shared,
    kernel: false,
    asked: 'rounding makes numbers equal that it ranks',
  },

  LSTM: {
    ...onlyDynamic({ kind: 'recurrent', refuse: refuseRecurrent }),
    inputs: [activation, gates, gates],
  },
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

function rowOf({ op, domain }: Node): OperatorRule | FloatRule | undefined {
  if (domain === CONTRIB_DOMAIN) return Object.hasOwn(CONTRIB_RULES, op) ? CONTRIB_RULES[op] : undefined;
  return domain === '' && Object.hasOwn(RULES, op) ? RULES[op as OnnxOp] : undefined;
}

/** How a node is quantized, where it is. */
export function ruleOf(node: Node): OperatorRule | undefined {
  const row = rowOf(node);
  if (!row) return node.domain === '' ? genericRule(node) : undefined;
  if (row.when === 'never') return undefined;
  return row.computed && !constantOf(node.inputs[0]) ? row.computed : row;
}

export const dynamicFormOf = (node: Node): DynamicForm | undefined => rowOf(node)?.dynamic;

/** Whether nobody would ask why it stays in float. */
export function isQuiet(node: Node): boolean {
  const row = rowOf(node);
  if (row?.when === 'never') return row.isQuiet;
  const rule = row && ruleOf(node);
  return rule?.output.kind === 'shared' && rule.asked === undefined;
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
