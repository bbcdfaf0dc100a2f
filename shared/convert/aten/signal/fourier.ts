/**
 * One-dimensional Fourier transforms: a product with a matrix of cosines and sines while that is small, else ONNX's
 * DFT.
 */
import { addDims, type Dim, floorDivDims, isStatic, sameDim } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { FAULTS, isMet } from '../../../onnx/runtime-facts/faults.ts';
import type { AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { reshape, shapeOf, slice, transpose, unsqueeze } from '../../shape.ts';

/** `half`: the first n / 2 + 1 frequencies; the others are their conjugates. */
export interface Transform {
  readonly axis: number;
  /** n: input beyond it is left out, missing input is 0. */
  readonly length: Dim;
  readonly from: 'real' | 'complex';
  /** `real` reads half a spectrum. */
  readonly to: 'complex' | 'half' | 'real';
  /** Of the exponent: -1 forward, 1 inverse. */
  readonly sign: 1 | -1;
  /** The result is multiplied by n ** -power. */
  readonly power: number;
}

/** The matrix has (2n)² numbers at most: 4 MB in float32 at this length. */
const LONGEST_MATRIX = 512;

export function transformed(op: AtenBuilder, x: Value, t: Transform): Value {
  const size = shapeOf(x)[t.axis]!;
  return isStatic(size) && isStatic(t.length) && Math.max(size, t.length) <= LONGEST_MATRIX
    ? byMatrix(op, x, { ...t, length: t.length }, size)
    : byDft(op, x, t);
}

export const halfOf = (length: Dim): Dim => addDims(floorDivDims(length, 2), 1);

function byMatrix(op: AtenBuilder, x: Value, t: Transform & { readonly length: number }, size: number): Value {
  const columns = t.to === 'half' ? Math.floor(t.length / 2) + 1 : t.length;
  const [partsIn, partsOut] = [t.from === 'complex' ? 2 : 1, t.to === 'real' ? 1 : 2];
  const own = shapeOf(x).slice(0, shapeOf(x).length - (partsIn - 1));
  const others = own.map((_, i) => i).filter((i) => i !== t.axis);
  const last = transpose(op, x, [...others, t.axis, ...(partsIn === 2 ? [own.length] : [])]);
  const lead = others.map((i) => own[i]!);
  const product = op.MatMul([
    reshape(op, last, [...lead, size * partsIn]),
    matrix(op, x, t, { size, columns, partsIn, partsOut }),
  ]);
  const split = partsOut === 2 ? reshape(op, product, [...lead, columns, 2]) : product;
  const back = own.map((_, i) => (i === t.axis ? others.length : others.indexOf(i)));
  return transpose(op, split, [...back, ...(partsOut === 2 ? [own.length] : [])]);
}

interface Extent {
  readonly size: number;
  readonly columns: number;
  readonly partsIn: number;
  readonly partsOut: number;
}

/** Rows and columns are (position, real or imaginary): complex products of a whole line at once. */
function matrix(
  op: AtenBuilder,
  like: Value,
  { length, to, sign, power }: Transform & { readonly length: number },
  { size, columns, partsIn, partsOut }: Extent,
): Value {
  const width = columns * partsOut;
  const values = new Float64Array(size * partsIn * width);
  const used = Math.min(size, to === 'real' ? Math.floor(length / 2) + 1 : length);
  for (let j = 0; j < used; j++) {
    // All but the first and the middle frequency stand for their conjugates too.
    const twice = to === 'real' && j !== 0 && 2 * j !== length ? 2 : 1;
    const scale = twice * length ** -power;
    for (let k = 0; k < columns; k++) {
      // j * k modulo the length keeps the angle small and exact.
      const angle = (2 * Math.PI * ((j * k) % length)) / length;
      const [re, im] = [scale * Math.cos(angle), scale * sign * Math.sin(angle)];
      const entries = [
        [re, im],
        [-im, re],
      ];
      for (let p = 0; p < partsIn; p++)
        for (let q = 0; q < partsOut; q++) values[(j * partsIn + p) * width + k * partsOut + q] = entries[p]![q]!;
    }
  }
  return op.tensor(dtypeOf(like), [size * partsIn, width], values);
}

function byDft(op: AtenBuilder, x: Value, t: Transform): Value {
  if (t.to === 'real')
    return realPart(op, byDft(op, wholeSpectrum(op, x, t), { ...t, from: 'complex', to: 'complex' }));
  // ONNX has half spectra of forward transforms only.
  if (t.to === 'half' && t.sign === 1) return conjugated(op, byDft(op, x, { ...t, sign: -1 }));
  const pairs = t.from === 'complex' ? x : unsqueeze(op, x, [shapeOf(x).length]);
  const size = shapeOf(x)[t.axis]!;
  const length = sameDim(size, t.length) ? null : op.dim(t.length);
  const exact = isMet(FAULTS.digitsOfDft, dtypeOf(x)) ? op.Cast([pairs], { to: 'float64' }) : pairs;
  const found = op.DFT([exact, length, op.scalar('int64', t.axis)], {
    inverse: t.sign === 1 ? 1 : 0,
    onesided: t.to === 'half' ? 1 : 0,
  });
  const result = cast(op, found, dtypeOf(x));
  // ONNX divides the inverse by n.
  const power = t.sign === 1 ? t.power - 1 : t.power;
  return power === 0 ? result : op.Mul([result, scaleOf(op, x, t.length, power)]);
}

function scaleOf(op: AtenBuilder, like: Value, length: Dim, power: number): Value {
  const dtype = dtypeOf(like);
  return isStatic(length)
    ? op.scalar(dtype, length ** -power)
    : op.Pow([op.Cast([op.dim(length)], { to: dtype }), op.scalar(dtype, -power)]);
}

const realPart = (op: AtenBuilder, z: Value): Value =>
  op.Gather([z, op.scalar('int64', 0)], { axis: shapeOf(z).length - 1 });
export const conjugated = (op: AtenBuilder, z: Value): Value => op.Mul([z, op.tensor(dtypeOf(z), [2], [1, -1])]);

/** The other half: conjugates in reverse order. The imaginary parts of the first and middle frequency do not count. */
function wholeSpectrum(op: AtenBuilder, x: Value, { axis, length, from }: Transform): Value {
  const half = halfOf(length);
  const size = shapeOf(x)[axis]!;
  const isLonger = isStatic(size) && isStatic(half) && size > half;
  if (!sameDim(size, half) && !isLonger)
    op.aten.refuse(
      'n',
      String(length),
      `twice the ${String(size)} frequencies given, when the transform is long or its size is not fixed`,
    );
  const pairs =
    from === 'complex'
      ? x
      : op.Concat(
          [x, op.Sub([x, x])].map((p) => unsqueeze(op, p, [shapeOf(x).length])),
          { axis: shapeOf(x).length },
        );
  const first = slice(op, pairs, { axis, start: 0, end: half });
  const mirrored = conjugated(
    op,
    slice(op, first, { axis, start: 1, end: addDims(floorDivDims(addDims(length, -1), 2), 1) }),
  );
  const reversed = op.Slice([
    mirrored,
    op.ints([-1]),
    op.tensor('int64', [1], [-(2n ** 63n)]),
    op.ints([axis]),
    op.ints([-1]),
  ]);
  return op.Concat([first, reversed], { axis });
}
