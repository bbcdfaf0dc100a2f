/** Windows that slide along the axes of a tensor, as gathers: any element type, sizes known or not. */
import { addDims, type Dim, floorDivDims, isStatic } from '../tensor/dim.ts';
import type { Value } from '../onnx/ir.ts';
import type { AtenBuilder } from './converter.ts';
import { dtypeOf } from './promote.ts';
import { rankOf } from './shape.ts';

export interface Sliding {
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
}

/** How many windows fit into `size` elements. */
export const windowCount = (size: Dim, { taps, stride, dilation }: Sliding): Dim =>
  addDims(floorDivDims(addDims(size, -dilation * (taps - 1) - 1), stride), 1);

/** int64 (taps, count): where each tap of each window lies. */
export function windowPlaces(op: AtenBuilder, count: Dim, { taps, stride, dilation }: Sliding): Value {
  if (isStatic(count)) {
    const places = Array.from(
      { length: taps * count },
      (_, n) => Math.floor(n / count) * dilation + (n % count) * stride,
    );
    return op.tensor('int64', [taps, count], places);
  }
  const starts = op.Mul([windowNumbers(op, count), op.scalar('int64', stride)]);
  const offsets = Array.from({ length: taps }, (_, i) => i * dilation);
  return op.Add([op.tensor('int64', [taps, 1], offsets), starts]);
}

/** 0, 1, ... */
export const windowNumbers = (op: AtenBuilder, count: Dim): Value =>
  isStatic(count)
    ? op.ints(Array.from({ length: count }, (_, i) => i))
    : op.Range([op.scalar('int64', 0), op.dim(count), op.scalar('int64', 1)]);

/** The last axes, each split into (taps, windows): (n, c, taps, windows, taps, windows) from (n, c, height, width). */
export function windowsOf(
  op: AtenBuilder,
  x: Value,
  axes: readonly { readonly count: Dim; readonly window: Sliding }[],
): Value {
  const first = rankOf(x) - axes.length;
  return axes.reduce(
    (v, { count, window }, i) => op.Gather([v, windowPlaces(op, count, window)], { axis: first + 2 * i }),
    x,
  );
}

/** `fill`, one number, before and behind the last axes. */
export function paddedWith(op: AtenBuilder, x: Value, padding: readonly (readonly [Dim, Dim])[], fill: Value): Value {
  if (padding.every(([begin, end]) => begin === 0 && end === 0)) return x;
  const lead = new Array<Dim>(rankOf(x) - padding.length).fill(0);
  const pads = [...lead, ...padding.map(([begin]) => begin), ...lead, ...padding.map(([, end]) => end)];
  return op.Pad([x, op.dims(pads), fill]);
}

export const zeroPadded = (op: AtenBuilder, x: Value, padding: readonly (readonly [Dim, Dim])[]): Value =>
  paddedWith(op, x, padding, op.scalar(dtypeOf(x), 0));
