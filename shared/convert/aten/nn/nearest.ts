/** Nearest sampling: PyTorch computes in float32 which element is read, and rounding decides between neighbours. */
import { type Dim, divideExactly, isStatic } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { rankOf, shapeOf } from '../../shape.ts';
import { windowNumbers } from '../../sliding-windows.ts';

export interface Axis {
  readonly size: Dim;
  readonly out: Dim;
  /** The scale that was given, which decides where samples are taken; null: the ratio of the sizes does. */
  readonly given: number | null;
}
type KnownAxis = Axis & { readonly size: number; readonly out: number };
const isKnown = (axis: Axis): axis is KnownAxis => isStatic(axis.size) && isStatic(axis.out);

export interface Nearest {
  /** Sampled at the middle of an element, not at its beginning. */
  readonly isExact: boolean;
  /**
   * The kernel that PyTorch takes for small images copies or doubles where the sizes say so, whatever scale was given:
   * images of two axes, which together are at most 128 long.
   */
  readonly isPlane: boolean;
}

const SMALL_PLANE = 128;
const f32 = Math.fround;

/** Element read for element `i`, as aten/src/ATen/native/cpu/UpSampleKernel.cpp has it. */
function placeOf(i: number, ratio: number, { isExact }: Nearest): number {
  return Math.floor(isExact ? f32(Math.max(f32(f32(ratio * f32(i + 0.5)) - 0.5), 0) + 0.5) : f32(i * ratio));
}

function placesAt(axis: KnownAxis, nearest: Nearest): number[] {
  const { size, out, given } = axis;
  const isPlain = nearest.isPlane && !nearest.isExact && (out === size || out === 2 * size);
  const ratio = given && !isPlain ? f32(1 / given) : f32(size / out);
  return Array.from({ length: out }, (_, i) => Math.min(placeOf(i, ratio, nearest), size - 1));
}

/** What a runtime's Resize reads: the coordinate in float32, too, but divided by the scale. */
function placesOfResize({ size, out, given }: KnownAxis, { isExact }: Nearest): number[] {
  const scale = f32(given ?? out / size);
  const place = (i: number): number =>
    isExact ? Math.floor(f32(f32(f32(i + 0.5) / scale) - 0.5) + 0.5) : Math.floor(f32(i / scale));
  return Array.from({ length: out }, (_, i) =>
    scale === 1 ? Math.min(i, size - 1) : Math.min(Math.max(place(i), 0), size - 1),
  );
}

/** Longer than any image; up to here a whole scale is tried element by element. */
const LONGEST = 2 ** 16;

/** A scale whose places are the same in both ways of counting, whatever the size. */
function agreesEverywhere(scale: number, nearest: Nearest): boolean {
  if (Number.isInteger(Math.log2(scale))) return true;
  if (!Number.isInteger(scale)) return false;
  const ratio = f32(1 / scale);
  for (let i = 0; i < LONGEST; i++) if (placeOf(i, ratio, nearest) !== Math.floor(i / scale)) return false;
  return true;
}

/** As `nearest`, a plane only where it is a small one. */
const ofKnown = (nearest: Nearest, axes: readonly KnownAxis[]): Nearest => ({
  ...nearest,
  isPlane: nearest.isPlane && axes.reduce((n, { out }) => n + out, 0) <= SMALL_PLANE,
});
/** Whether the places along the axis follow from what is known. */
const hasTable = (axis: Axis, axes: readonly Axis[]): axis is KnownAxis =>
  isKnown(axis) && (axis.given === null || axes.every(isKnown));

/** Whether Resize reads the elements that PyTorch reads. */
export function resizeAgrees(axes: readonly Axis[], nearest: Nearest): boolean {
  return axes.every((axis) => {
    if (hasTable(axis, axes)) {
      const wanted = placesAt(axis, ofKnown(nearest, axes.filter(isKnown)));
      return placesOfResize(axis, nearest).every((place, i) => place === wanted[i]);
    }
    const scale = axis.given ?? divideExactly(axis.out, axis.size);
    return typeof scale === 'number' && agreesEverywhere(scale, nearest);
  });
}

/** Every axis gathered, so for every element type. */
export function nearestGathers(op: AtenBuilder, x: Value, axes: readonly Axis[], nearest: Nearest): Value {
  const first = rankOf(x) - axes.length;
  return axes.reduce<Value>((v, axis, i) => {
    if (divideExactly(axis.out, axis.size) === 1 && !axis.given) return v;
    const places = hasTable(axis, axes)
      ? op.ints(placesAt(axis, ofKnown(nearest, axes.filter(isKnown))))
      : placesAtRunTime(op, axis, nearest, axes);
    const gathered = op.Gather([v, places], { axis: first + i });
    gathered.type = { dtype: v.type!.dtype, shape: shapeOf(v).map((d, at) => (at === first + i ? axis.out : d)) };
    return gathered;
  }, x);
}

/** int64 (out) */
function placesAtRunTime(op: AtenBuilder, axis: Axis, nearest: Nearest, axes: readonly Axis[]): Value {
  const num = (value: number): Value => op.scalar('float32', value);
  const numbers = op.Cast([windowNumbers(op, axis.out)], { to: 'float32' });
  const ratio = ratioAtRunTime(op, axis, nearest, axes);
  const real = nearest.isExact
    ? op.Add([op.Max([op.Sub([op.Mul([ratio, op.Add([numbers, num(0.5)])]), num(0.5)]), num(0)]), num(0.5)])
    : op.Mul([numbers, ratio]);
  const last = op.Sub([op.dim(axis.size), op.scalar('int64', 1)]);
  return op.Min([op.Cast([op.Floor([real])], { to: 'int64' }), last]);
}

/** float32: input elements for one element of the result. */
function ratioAtRunTime(op: AtenBuilder, { size, out, given }: Axis, nearest: Nearest, axes: readonly Axis[]): Value {
  const real = (dim: Dim): Value => op.Cast([op.dim(dim)], { to: 'float32' });
  const bySizes = (): Value => op.Div([real(size), real(out)]);
  if (given === null) return bySizes();
  const byScale = op.scalar('float32', 1 / given);
  if (!nearest.isPlane || nearest.isExact || given < 1 || given >= 3) return byScale;
  const total = axes.map((a) => op.dim(a.out)).reduce((a, b) => op.Add([a, b]));
  const isSmall = op.LessOrEqual([total, op.scalar('int64', SMALL_PLANE)]);
  const isPlain = op.Or([
    op.Equal([op.dim(out), op.dim(size)]),
    op.Equal([op.dim(out), op.Mul([op.dim(size), op.scalar('int64', 2)])]),
  ]);
  return op.Where([op.And([isSmall, isPlain]), bySizes(), byScale]);
}
