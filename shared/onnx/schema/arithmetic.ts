/** Element-wise arithmetic on several tensors. */
import {
  addDims,
  type Dim,
  divideExactly,
  isStatic,
  maxDims,
  minDims,
  modDims,
  mulDims,
  subDims,
} from '../../tensor/dim.ts';
import { isFloat } from '../../tensor/dtype.ts';
import type { OpRow } from './row.ts';
import { broadcast, broadcastInputs, integerArithmetic, typed } from './shape-rules.ts';

const binary = (since: readonly number[], fn: (a: Dim, b: Dim) => Dim | null): OpRow => ({
  since,
  inputs: 'A B',
  outputs: 'C',
  infer: integerArithmetic(fn),
});
const variadic = (since: readonly number[], output: string, fn: (a: Dim, b: Dim) => Dim | null): OpRow => ({
  since,
  inputs: 'data_0...',
  outputs: output,
  infer: integerArithmetic(fn),
});

/** ONNX integer division truncates: follow it only where that is the same as the floor. */
const truncatedDivision = (a: Dim, b: Dim): Dim | null =>
  isStatic(a) && isStatic(b) ? (b === 0 ? null : Math.trunc(a / b)) : divideExactly(a, b);
const notFollowed = (): null => null;

export const ARITHMETIC = {
  Add: binary([1, 6, 7, 13, 14], addDims),
  Sub: binary([1, 6, 7, 13, 14], subDims),
  Mul: binary([1, 6, 7, 13, 14], mulDims),
  Div: binary([1, 6, 7, 13, 14], truncatedDivision),
  Min: variadic([1, 6, 8, 12, 13], 'min', minDims),
  Max: variadic([1, 6, 8, 12, 13], 'max', maxDims),
  Mean: variadic([1, 6, 8, 13], 'mean', notFollowed),
  Sum: variadic([1, 6, 8, 13], 'sum', notFollowed),
  Mod: {
    since: [10, 13],
    inputs: 'A B',
    outputs: 'C',
    attributes: { fmod: { kind: 'int', default: 0 } },
    infer: (c) => {
      if (c.int('fmod') === 0 && isFloat(c.dtypeOf(0))) throw new Error('Mod of floating point needs fmod = 1');
      return c.int('fmod') === 0 ? integerArithmetic((a, b) => (b === 0 ? null : modDims(a, b)))(c) : broadcast()(c);
    },
  },
  // The exponent may have its own element type.
  Pow: {
    since: [1, 7, 12, 13, 15],
    inputs: 'X Y',
    outputs: 'Z',
    infer: (c) => typed(c.dtypeOf(0), broadcastInputs(c)),
  },
  BitShift: {
    since: [11],
    inputs: 'X Y',
    outputs: 'Z',
    attributes: { direction: { kind: 'string' } },
    infer: broadcast(),
  },
} as const satisfies Record<string, OpRow>;
