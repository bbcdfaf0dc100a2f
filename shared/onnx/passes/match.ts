/** Looking at nodes in rules: who computes a value, attributes with their defaults, small constants. */
import { decodeInts, decodeNumbers } from '../../tensor/numbers.ts';
import { isFloat } from '../../tensor/dtype.ts';
import type { Node, Value } from '../ir.ts';
import { type OnnxOp, OPS } from '../schema/index.ts';

/** The node that computes `value`, if it is one of these standard operators. */
export function producedBy(value: Value | null | undefined, ...ops: readonly OnnxOp[]): Node | null {
  const node = value?.producer ?? null;
  return node && node.domain === '' && (ops as readonly string[]).includes(node.op) ? node : null;
}

export function int(node: Node, name: string): number | null {
  const value = node.attributes.get(name)?.value ?? OPS[node.op as OnnxOp].attributes?.[name]?.default;
  return typeof value === 'number' ? value : null;
}

export function ints(node: Node, name: string): readonly number[] | null {
  const value = node.attributes.get(name)?.value;
  return Array.isArray(value) ? (value as readonly number[]) : null;
}

/** Elements of a small integer input: a constant, or numbers known from shapes. */
export function integers(value: Value | null | undefined): readonly number[] | null {
  if (value?.content?.every((d) => typeof d === 'number')) return value.content as readonly number[];
  const data = value?.data;
  return data?.memory && !isFloat(data.dtype) ? decodeInts(data.dtype, data.memory) : null;
}

/** Elements of a constant in memory. */
export function numbers(value: Value | null | undefined): Float64Array | null {
  const data = value?.data;
  const isPlain = data?.memory && ['float16', 'bfloat16', 'float32', 'float64', 'int32', 'int64'].includes(data.dtype);
  return isPlain ? decodeNumbers(data.dtype, data.memory!) : null;
}

export const isUnused = (value: Value): boolean => value.uses.size === 0 && !value.producer?.graph?.isOutput(value);
