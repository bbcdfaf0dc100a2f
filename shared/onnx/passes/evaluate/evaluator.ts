/** What an operator computes from constants, where that is exact. */
import type { Dtype } from '../../../tensor/dtype.ts';
import type { OpCall } from '../../schema/row.ts';
import type { Constant } from './constant.ts';
import { ELEMENTWISE } from './elementwise.ts';
import { MOVEMENT } from './movement.ts';
import { REDUCTIONS } from './reduction.ts';

export interface Call {
  /** The node's attributes. */
  readonly node: OpCall;
  readonly inputs: readonly (Constant | null)[];
  /** Of the outputs, as inference found them. */
  readonly shapes: readonly (readonly number[])[];
  readonly dtypes: readonly Dtype[];
}

export type Evaluate = (call: Call) => Constant | readonly Constant[] | null;

export const EVALUATORS: Readonly<Record<string, Evaluate>> = { ...ELEMENTWISE, ...MOVEMENT, ...REDUCTIONS };
