/**
 * What has no kernel for a 16-bit float computes in float32 between casts, as PyTorch does inside its own kernels.
 * Inside one operator of the program nothing is rounded in between.
 */
import { memoryData, type TensorData } from '../../tensor/data.ts';
import { decodeNumbers, encodeNumbers } from '../../tensor/numbers.ts';
import { tensorType } from '../../tensor/type.ts';
import type { AttributeInput, Builder } from '../builder.ts';
import { dataTypeNumber } from '../data-type.ts';
import type { Attribute, Node, Value } from '../ir.ts';
import { isOf, producedBy, valuesOf } from '../match.ts';
import type { Rule } from '../pass.ts';
import { WITH_BFLOAT16, WITHOUT_FLOAT16 } from '../runtime-facts/kernels.ts';

/** With `reduction`, scattering is arithmetic. */
const isReduction = (node: Node): boolean => node.attributes.has('reduction');

type Half = 'float16' | 'bfloat16';
const lacksKernel: Readonly<Record<Half, (node: Node) => boolean>> = {
  bfloat16: (node) => !WITH_BFLOAT16.operators.has(node.op) || isReduction(node),
  float16: (node) => WITHOUT_FLOAT16.operators.has(node.op) || isReduction(node),
};

export const widenHalf: Rule = {
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
  const cast = producedBy(x, 'Cast');
  const exact = cast && cast.origin !== null && cast.origin === op.origin ? cast.inputs[0] : null;
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
