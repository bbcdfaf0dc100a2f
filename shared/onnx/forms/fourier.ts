/** Fourier transforms as products with matrices of cosines and sines. */
import { isStatic } from '../../tensor/dim.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import type { OpCall } from '../schema/row.ts';
import { axisIn } from '../schema/shape-rules.ts';

interface Basis {
  readonly cos: Value;
  readonly sin: Value;
}

/** Matrices [rows, columns] of weight(r, c) cos and sin (2πrc / length). */
function basis(
  op: Builder,
  dtype: Dtype,
  {
    rows,
    columns,
    length,
    weight,
  }: {
    readonly rows: number;
    readonly columns: number;
    readonly length: number;
    weight(row: number, column: number): number;
  },
): Basis {
  const matrix = (f: (angle: number) => number): Value => {
    const values = new Float64Array(rows * columns);
    for (let r = 0; r < rows; r++) {
      // r * c modulo the length keeps the angle small and exact.
      for (let c = 0; c < columns; c++)
        values[r * columns + c] = weight(r, c) * f((2 * Math.PI * ((r * c) % length)) / length);
    }
    return op.tensor(dtype, [rows, columns], values);
  };
  return { cos: matrix(Math.cos), sin: matrix(Math.sin) };
}

/** DFT of any axis, complex numbers lying in the last one. */
export function fourierTransform(c: OpCall, op: Builder): Value {
  const needed = 'transforms of sizes only known while the model runs exist since opset 17';
  const axis = axisIn((c.has(2) ? c.numbers(2)?.[0] : -2) ?? op.refuse('DFT', needed), c.rank(0));
  const size = c.shape(0)[axis]!;
  if (!isStatic(size)) return op.refuse('DFT', needed);
  const [inverse, onesided] = [c.int('inverse') === 1, c.int('onesided') === 1];
  const natural = inverse && onesided ? 2 * (size - 1) : size;
  const length = c.has(1) ? (c.numbers(1)?.[0] ?? op.refuse('DFT', needed)) : natural;
  const columns = onesided && !inverse ? Math.floor(length / 2) + 1 : length;
  const used = Math.min(size, onesided && inverse ? Math.floor(length / 2) + 1 : length);
  // Half a spectrum stands for both halves: all but the first and the middle frequency count twice.
  const twice = (k: number): number => (onesided && inverse && k !== 0 && 2 * k !== length ? 2 : 1);
  const scale = inverse ? 1 / length : 1;
  const { cos, sin } = basis(op, c.dtypeOf(0), {
    rows: size,
    columns,
    length,
    weight: (row) => (row < used ? scale * twice(row) : 0),
  });
  const back = swap(c.rank(0) - 1, axis);
  const part = (i: number): Value =>
    op.Transpose([op.Gather([c.input(0), op.scalar('int64', i)], { axis: -1 })], { perm: back });
  const [re, im] = [part(0), c.shape(0).at(-1) === 2 ? part(1) : null];
  const times = (x: Value, matrix: Value): Value => op.MatMul([x, matrix]);
  // Forward turns by e^(-iθ), inverse by e^(iθ).
  const combine = (x: Value, y: Value, { plus }: { readonly plus: boolean }): Value =>
    plus ? op.Add([x, y]) : op.Sub([x, y]);
  const real = im ? combine(times(re, cos), times(im, sin), { plus: !inverse }) : times(re, cos);
  const imaginary = im
    ? combine(times(im, cos), times(re, sin), { plus: inverse })
    : inverse
      ? times(re, sin)
      : op.Neg([times(re, sin)]);
  const results = inverse && onesided ? [real] : [real, imaginary];
  return op.Concat(
    results.map((v) => op.Unsqueeze([op.Transpose([v], { perm: back }), op.ints([-1])])),
    { axis: -1 },
  );
}

/** Exchanges an axis with the last. */
function swap(rank: number, axis: number): number[] {
  const perm = Array.from({ length: rank }, (_, i) => i);
  [perm[axis], perm[rank - 1]] = [rank - 1, axis];
  return perm;
}

/** STFT of a real signal: a convolution whose filters are the windowed cosines and sines. */
export function shortTimeFourierTransform(c: OpCall, op: Builder): Value {
  const needed = 'it exists since opset 17';
  const step = c.numbers(1)?.[0];
  const frame = c.has(3) ? c.numbers(3)?.[0] : c.shape(c.has(2) ? 2 : 0)[c.has(2) ? 0 : 1];
  if (step === undefined || frame === undefined || !isStatic(frame) || c.shape(0)[2] !== 1)
    return op.refuse('STFT', needed);
  const bins = c.int('onesided') ? Math.floor(frame / 2) + 1 : frame;
  const { cos, sin } = basis(op, c.dtypeOf(0), { rows: bins, columns: frame, length: frame, weight: () => 1 });
  const both = op.Unsqueeze([op.Concat([cos, op.Neg([sin])], { axis: 0 }), op.ints([1])]);
  const filters = c.has(2) ? op.Mul([both, c.input(2)]) : both;
  const signal = op.Transpose([c.input(0)], { perm: [0, 2, 1] });
  const frames = op.Reshape([op.Conv([signal, filters], { strides: [step] }), op.ints([0, 2, bins, -1])]);
  return op.Transpose([frames], { perm: [0, 3, 2, 1] });
}
