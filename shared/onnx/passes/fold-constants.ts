/** Nodes whose result is known become initializers: known shapes, and exact operators on small constants in memory. */
import { memoryData, type TensorData } from '../../tensor/data.ts';
import { isStatic } from '../../tensor/dim.ts';
import { byteLength, type Dtype, integerRange, isInteger } from '../../tensor/dtype.ts';
import { encodeNumbers } from '../../tensor/numbers.ts';
import { elementCount, sameType, staticShape, tensorType } from '../../tensor/type.ts';
import type { Attribute, Node, Value } from '../ir.ts';
import { isStandard } from '../match.ts';
import type { Rule } from '../pass.ts';
import { type OnnxOp, OPS } from '../schema/index.ts';
import { OpCall } from '../schema/row.ts';
import { unknownDim } from '../unknown-dim.ts';
import { type Constant, elementSize } from './evaluate/constant.ts';
import { EVALUATORS } from './evaluate/evaluator.ts';

/** Larger results would make the file larger than the computation is worth. */
const LARGEST_RESULT = 64 << 10;

export const foldConstants: Rule = {
  name: 'fold-constants',
  rewrite(node, op) {
    const data = constantAttribute(node) ?? evaluated(node, op.opset) ?? knownContents(node);
    return data?.map((d) => op.constant(d)) ?? null;
  },
};

/** The attributes in which a Constant can hold its value. */
const CONSTANTS: Readonly<Record<string, (value: Attribute['value']) => TensorData>> = {
  value: (value) => value as TensorData,
  value_int: (value) => vector('int64', [], [value as number | bigint]),
  value_ints: (value) => vector('int64', [(value as readonly number[]).length], value as readonly number[]),
  value_float: (value) => vector('float32', [], [value as number]),
  value_floats: (value) => vector('float32', [(value as readonly number[]).length], value as readonly number[]),
};
const vector = (dtype: Dtype, shape: readonly number[], values: readonly (number | bigint)[]): TensorData =>
  memoryData(dtype, shape, encodeNumbers(dtype, values));

function constantAttribute(node: Node): TensorData[] | null {
  if (!isStandard(node, 'Constant')) return null;
  const [[name, attribute] = []] = node.attributes;
  const read = name !== undefined && Object.hasOwn(CONSTANTS, name) ? CONSTANTS[name] : undefined;
  return read && attribute ? [read(attribute.value)] : null;
}

/** Integer elements that follow from shapes, as inference tracked them. */
function knownContents(node: Node): TensorData[] | null {
  if (isStandard(node, 'Identity') || node.subgraphs().length > 0) return null;
  const data = node.outputs.map(contentData);
  return data.every((d) => d !== null) ? data : null;
}

function contentData({ type, content }: Value): TensorData | null {
  const shape = type && staticShape(type);
  if (!type || !shape || !content?.every(isStatic) || content.length !== elementCount(shape)) return null;
  if ((!isInteger(type.dtype) && type.dtype !== 'bool') || !elementSize(type.dtype)) return null;
  const [low, high] = integerRange(type.dtype);
  // Dimensions do not wrap around, elements do.
  if (!content.every((d) => BigInt(d) >= low && BigInt(d) <= high)) return null;
  return memoryData(type.dtype, shape, encodeNumbers(type.dtype, content as readonly number[]));
}

function evaluated(node: Node, opset: number): TensorData[] | null {
  const inputs = node.inputs.map((value) => value && constantOf(value.data));
  if (node.inputs.some((value, i) => value && !inputs[i])) return null;
  const sizes = node.outputs.map(
    ({ type }) => type && staticShape(type) && byteLength(type.dtype, elementCount(staticShape(type)!)),
  );
  if (sizes.some((size) => size === null || size > LARGEST_RESULT)) return null;
  return evaluation(node, opset)?.(inputs)?.map((r) => memoryData(r.dtype, r.shape, r.bytes)) ?? null;
}

/**
 * What a node computes from constants, also after it is gone from the graph; null when it has no evaluator or no static
 * types.
 */
export function evaluation(
  node: Node,
  opset: number,
): ((inputs: readonly (Constant | null)[]) => readonly Constant[] | null) | null {
  const evaluate = Object.hasOwn(EVALUATORS, node.op) ? EVALUATORS[node.op] : undefined;
  const types = node.outputs.map((output) => output.type);
  const shapes = types.map((type) => type && staticShape(type));
  if (!evaluate || hasOldAttribute(node) || !types.every((t) => t !== null) || !shapes.every((s) => s !== null))
    return null;
  const call = new OpCall({
    op: node.op,
    inputs: [],
    attributes: node.attributes,
    outputs: types.length,
    opset,
    row: OPS[node.op as OnnxOp],
    fresh: () => unknownDim(0),
  });
  return (inputs) => {
    const result = evaluate({ node: call, inputs, shapes, dtypes: types.map((t) => t.dtype) });
    if (result === null) return null;
    const results = Array.isArray(result) ? (result as readonly Constant[]) : [result as Constant];
    // A result of another type than recorded is a mistake somewhere: leave the node to the runtime.
    return results.every((r, i) => sameType(tensorType(r.dtype, r.shape), types[i]!)) ? results : null;
  };
}

/** Attributes that the newest form does not have; evaluators know that form, and axes in either one. */
function hasOldAttribute(node: Node): boolean {
  const known = OPS[node.op as OnnxOp].attributes;
  return [...node.attributes.keys()].some(
    (name) => name !== 'axes' && (!known?.[name] || known[name].until !== undefined),
  );
}

export function constantOf(data: TensorData | null): Constant | null {
  if (!data?.memory || !elementSize(data.dtype)) return null;
  return { dtype: data.dtype, shape: data.shape, bytes: data.memory };
}
