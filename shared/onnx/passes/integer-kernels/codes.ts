/** Values that stand for codes: what DequantizeLinear reads, and the Q/DQ pair that changes nothing. */
import { derivedData } from '../../../tensor/data.ts';
import type { Builder } from '../../builder.ts';
import type { Node, Value } from '../../ir.ts';
import { int, producedBy } from '../../match.ts';
import { isGraphOutput } from '../../rewrite.ts';
import { nameMadeFrom } from '../name-values.ts';

/** One scale and one zero point for the whole tensor. */
export interface TensorCodes {
  readonly codes: Value;
  readonly scale: Value;
  readonly zeroPoint: Value;
}

export const dequantizing = (value: Value | null | undefined): Node | null => producedBy(value, 'DequantizeLinear');

/** `[codes, scale, zero point]` of a dequantized value, one scale or many; null: it is none, or has no zero point. */
export function dequantized(value: Value | null | undefined): readonly [Value, Value, Value] | null {
  const [codes, scale, zeroPoint] = dequantizing(value)?.inputs ?? [];
  return codes && scale && zeroPoint ? [codes, scale, zeroPoint] : null;
}

/** What a value dequantizes with scalars; null: it does not. */
export function tensorCodes(value: Value | null | undefined): TensorCodes | null {
  const [codes, scale, zeroPoint] = dequantizing(value)?.inputs ?? [];
  return codes && scale && zeroPoint && isScalar(scale) && isScalar(zeroPoint) ? { codes, scale, zeroPoint } : null;
}

/** What a QuantizeLinear gives, with scalars. */
export function codesWritten(node: Node): TensorCodes | null {
  const [, scale, zeroPoint] = node.inputs;
  const [codes] = node.outputs;
  if (!codes || !scale || !zeroPoint || !isScalar(scale) || !isScalar(zeroPoint)) return null;
  return (int(node, 'output_dtype') ?? 0) === 0 ? { codes, scale, zeroPoint } : null;
}

const isScalar = ({ type }: Value): boolean => type?.shape.length === 0;

/** Rounded to codes and back: for what is rounded to them anyway, later or before, the same numbers. */
export function repeated(op: Builder, x: Value, { scale, zeroPoint }: Omit<TensorCodes, 'codes'>): Value {
  return op.DequantizeLinear([op.QuantizeLinear([x, scale, zeroPoint]), scale, zeroPoint]);
}

/** The only node that reads a value which is no output. */
export function onlyReader(value: Value): Node | null {
  const [use] = value.uses;
  return use && value.uses.size === 1 && !isGraphOutput(value) ? use.node : null;
}

/** Stored int8 codes as uint8, for a zero point that is larger by 128: the same numbers. */
export function unsigned(op: Builder, codes: Value): Value {
  const data = codes.data!;
  const moved = derivedData({ dtype: 'uint8', shape: data.shape }, [data], (bytes) =>
    bytes!.map((byte) => byte ^ 0x80),
  );
  return op.constant(
    moved,
    nameMadeFrom(codes.name, op, (name) => `${name}.unsigned`),
  );
}
