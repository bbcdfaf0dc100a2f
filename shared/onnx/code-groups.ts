/** Looking around an operator between DequantizeLinear and QuantizeLinear. */
import type { Dtype } from '../tensor/dtype.ts';
import type { Node, Value } from './ir.ts';
import { constantOf, producedBy } from './match.ts';

/** Operators that move elements and do not look at them. */
const MOVERS = ['Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Slice', 'MaxPool'] as const;

/** The DequantizeLinear a value comes from, by way of operators that only move elements. */
export function dequantizeOf(value: Value | null | undefined): Node | null {
  const mover = producedBy(value, ...MOVERS);
  return mover ? dequantizeOf(mover.inputs[0]) : producedBy(value, 'DequantizeLinear');
}

export const isDequantized = (value: Value | null | undefined): boolean => dequantizeOf(value) !== null;

/** The type of the codes that stand for a value; null: there are none, or the file does not say. */
export function codesDtype(value: Value | null | undefined): Dtype | null {
  const [codes, , zeroPoint] = dequantizeOf(value)?.inputs ?? [];
  return constantOf(zeroPoint)?.dtype ?? codes?.data?.dtype ?? codes?.type?.dtype ?? null;
}

export const readersOf = (value: Value): Node[] => [...value.uses].map(({ node }) => node);
