/**
 * Element types for which onnxruntime's CPU provider (1.30, opsets 13 to 26) has no kernel, found by running every
 * operator.
 * 16-bit floats: the node computes in float32 between casts, as PyTorch does inside its own kernels. float64 is
 * refused,
 * since float32 would not be the precision that was asked for.
 */
import { fail } from '../../errors.ts';
import { memoryData, type TensorData } from '../../tensor/data.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import { decodeNumbers, encodeNumbers } from '../../tensor/numbers.ts';
import { tensorType } from '../../tensor/type.ts';
import type { AttributeInput, Builder } from '../builder.ts';
import { dataTypeNumber } from '../data-type.ts';
import type { Attribute, Model, Node, Value } from '../ir.ts';
import { everyNode } from '../match.ts';
import { dtypeSince } from '../schema/dtype-since.ts';
import { pass, type Pass, rewriting, type Rule } from '../rewrite.ts';

/**
 * Operators that move elements without looking at them, and those that hold graphs, have kernels for bfloat16; no
 * others have.
 */
const BFLOAT16: ReadonlySet<string> = new Set([
  'Identity',
  'Cast',
  'Shape',
  'Reshape',
  'Flatten',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Concat',
  'Split',
  'Slice',
  'Gather',
  'GatherElements',
  'GatherND',
  'ScatterND',
  'If',
  'Loop',
  'Scan',
]);
const NO_FLOAT16: ReadonlySet<string> = new Set([
  'Bernoulli',
  'Celu',
  'CumSum',
  'MeanVarianceNormalization',
  'RandomNormalLike',
  'RandomUniformLike',
  'Range',
  'RoiAlign',
]);
const NO_FLOAT64: ReadonlySet<string> = new Set([
  ...[
    'Acos',
    'Acosh',
    'Asin',
    'Asinh',
    'Atan',
    'Atanh',
    'Cosh',
    'Sinh',
    'Tan',
    'Erf',
    'Gelu',
    'Mish',
    'Celu',
    'Elu',
    'Selu',
    'HardSigmoid',
    'HardSwish',
    'LeakyRelu',
    'PRelu',
    'Softplus',
    'Softsign',
    'ThresholdedRelu',
  ],
  ...[
    'AveragePool',
    'Bernoulli',
    'Col2Im',
    'Conv',
    'ConvTranspose',
    'DequantizeLinear',
    'Det',
    'GRU',
    'GlobalAveragePool',
    'GlobalMaxPool',
    'InstanceNormalization',
    'LRN',
    'LSTM',
    'LpPool',
  ],
  ...['Mean', 'MeanVarianceNormalization', 'OneHot', 'QuantizeLinear', 'RNN', 'RandomNormalLike', 'Resize', 'RoiAlign'],
]);
/** With `reduction`, scattering is arithmetic. */
const isReduction = (node: Node): boolean => node.attributes.has('reduction');

type Half = 'float16' | 'bfloat16';
const lacksKernel: Readonly<Record<Half, (node: Node) => boolean>> = {
  bfloat16: (node) => !BFLOAT16.has(node.op) || isReduction(node),
  float16: (node) => NO_FLOAT16.has(node.op) || isReduction(node),
};

const valuesOf = (node: Node): Value[] => [...node.inputs, ...node.outputs].filter((v) => v !== null);
const isOf = (value: Value | null, dtype: Dtype): boolean => value?.type?.dtype === dtype;

/**
 * Compute in float32 what has no kernel in a 16-bit type. Inside one operator of the program nothing is rounded in
 * between.
 */
const widenHalf: Rule = {
  name: 'widen-16-bit-floats',
  rewrite(node, op) {
    const half = (['bfloat16', 'float16'] as const).find(
      (dtype) => valuesOf(node).some((v) => isOf(v, dtype)) && lacksKernel[dtype](node),
    );
    if (!half) return null;
    const inputs = node.inputs.map((x) => (x && isOf(x, half) ? widened(op, x) : x));
    const attributes = Object.fromEntries(
      [...node.attributes].map(([name, a]) => [name, widenedAttribute(name, a, half)]),
    );
    const types = node.outputs.map(({ type }) => (type?.dtype === half ? tensorType('float32', type.shape) : type));
    return op
      .node(node.op, inputs, attributes, { domain: node.domain, types })
      .map((y, i) => (isOf(node.outputs[i]!, half) ? op.Cast([y], { to: half }) : y));
  },
};

/** The number before it was rounded, when the same operator of the program rounded it. */
function widened(op: Builder, x: Value): Value {
  const { producer } = x;
  const exact =
    producer?.op === 'Cast' && producer.origin !== null && producer.origin === op.origin ? producer.inputs[0] : null;
  return exact && isOf(exact, 'float32') ? exact : op.Cast([x], { to: 'float32' });
}

const DTYPE_ATTRIBUTES = ['dtype', 'to', 'output_dtype', 'stash_type'];

function widenedAttribute(name: string, { kind, value }: Attribute, half: Half): AttributeInput {
  if (kind === 'tensor' && value.dtype === half) return widenedData(value);
  return kind === 'int' && DTYPE_ATTRIBUTES.includes(name) && value === dataTypeNumber(half)
    ? dataTypeNumber('float32')
    : value;
}

const widenedData = (data: TensorData): TensorData =>
  memoryData('float32', data.shape, encodeNumbers('float32', decodeNumbers(data.dtype, data.memory!)));

export const widenKernels: Pass = rewriting('widen', [widenHalf]);

const placeOf = ({ origin, name }: Node): string =>
  origin ? `${origin.operator} in ${origin.module || 'the root module'}` : name;

/** Refuse models that onnxruntime could not run. */
export const requireKernels: Pass = pass('require-kernels', (model: Model) => {
  const opset = model.opsets.get('') ?? 0;
  for (const node of everyNode(model.graph)) {
    const young = valuesOf(node).find(({ type }) => type && dtypeSince(type.dtype) > opset);
    if (young)
      fail('UnsupportedOpset', {
        operator: node.op,
        opset,
        needed: `element type ${young.type!.dtype} exists since opset ${dtypeSince(young.type!.dtype)}`,
        at: placeOf(node),
      });
    if (node.domain !== '') continue;
    if (opset < 16 && (node.op === 'Loop' || node.op === 'Scan') && valuesOf(node).some((v) => isOf(v, 'bfloat16'))) {
      fail('UnsupportedOpset', {
        operator: node.op,
        opset,
        needed: 'it carries bfloat16 since opset 16',
        at: placeOf(node),
      });
    }
    // onnxruntime fuses the steps of the older form into a LayerNormalization that has no bfloat16 kernel.
    if (
      opset < 17 &&
      /layer_norm/.test(node.origin?.operator ?? '') &&
      valuesOf(node).some((v) => isOf(v, 'bfloat16'))
    ) {
      fail('UnsupportedOpset', {
        operator: 'LayerNormalization',
        opset,
        needed: 'it computes bfloat16 since opset 17',
        at: placeOf(node),
      });
    }
    const decisive =
      node.op === 'OneHot' || node.op === 'DequantizeLinear' ? node.outputs[0]! : (node.inputs[0] ?? node.outputs[0]!);
    if (!isOf(decisive, 'float64') || !NO_FLOAT64.has(node.op)) continue;
    fail('UnsupportedType', {
      what: `${node.op} (${placeOf(node)})`,
      dtype: 'float64',
      hint: 'onnxruntime computes it in float32 only: export the model in float32 (model.float())',
    });
  }
  return 0;
});
