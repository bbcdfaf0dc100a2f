/** ATen adaptive maximum pooling: windows follow from the sizes of input and output. */
import { type Dim, isStatic, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { type AdaptiveWindows, adaptiveWindows } from './adaptive-windows.ts';
import { windowMaximum } from '../reduce/extremes.ts';
import { rankOf, reshape, shapeOf, transpose, unsqueeze } from '../../shape.ts';

/**
 * Input positions of window `i` of `out` along an axis, all windows as long as the longest: the last position repeats,
 * which changes no maximum.
 */
function windowsOf(size: number, out: number): number[][] {
  const bounds = Array.from(
    { length: out },
    (_, i) => [Math.floor((i * size) / out), Math.ceil(((i + 1) * size) / out)] as const,
  );
  const longest = Math.max(1, ...bounds.map(([from, to]) => to - from));
  return bounds.map(([from, to]) => Array.from({ length: longest }, (_, k) => Math.min(from + k, to - 1)));
}

/** Maximum over whole planes of any size. */
function globalMaximum(op: AtenBuilder, x: Value, lead: readonly Dim[], spatial: readonly Dim[]): Value[] {
  const planes = reshape(op, x, [...lead, mulDims(...spatial)]);
  const shape = [...lead, ...spatial.map(() => 1)];
  const axis = lead.length;
  return windowMaximum(op, planes, { axis, keepdim: true }).map((v) => reshape(op, v, shape));
}

function adaptiveMaximum(op: AtenBuilder, self: Value, output: readonly number[]): Value[] {
  const rank = rankOf(self);
  const count = output.length;
  const [lead, spatial] = [shapeOf(self).slice(0, rank - count), shapeOf(self).slice(rank - count)];
  if (output.every((d) => d === 1)) return globalMaximum(op, self, lead, spatial);
  if (!spatial.every(isStatic)) return maximaAtRunTime(op, self, lead, output);
  const sizes = spatial as readonly number[];
  const windows = sizes.map((size, i) => windowsOf(size, output[i]!));
  const widths = windows.map((w) => w[0]?.length ?? 1);
  // (lead..., out0, k0, out1, k1, ...)
  const gathered = windows.reduce<Value>(
    (x, w, i) => op.Gather([x, op.tensor('int64', [w.length, widths[i]!], w.flat())], { axis: lead.length + 2 * i }),
    self,
  );
  const [outs, kernels] = [output.map((_, i) => lead.length + 2 * i), output.map((_, i) => lead.length + 2 * i + 1)];
  const area = widths.reduce((a, b) => a * b, 1);
  const flat = reshape(op, transpose(op, gathered, [...lead.map((_, i) => i), ...outs, ...kernels]), [
    ...lead,
    ...output,
    area,
  ]);
  const axis = lead.length + count;
  const [values, chosen] = windowMaximum(op, flat, { axis, keepdim: false }) as [Value, Value];
  return [values, positionsInPlane(op, chosen, { sizes, windows, output, widths })];
}

/** The same where sizes are not known: places are computed instead of looked up. */
function maximaAtRunTime(op: AtenBuilder, self: Value, lead: readonly Dim[], output: readonly number[]): Value[] {
  const sizes = shapeOf(self).slice(lead.length);
  const windows = sizes.map((size, i) => adaptiveWindows(op, size, output[i]!));
  const gathered = windows.reduce<Value>(
    (x, { places }, i) => op.Gather([x, places], { axis: lead.length + 2 * i }),
    self,
  );
  const [outs, kernels] = [output.map((_, i) => lead.length + 2 * i), output.map((_, i) => lead.length + 2 * i + 1)];
  const shape = [...lead, ...output];
  const flat = op.Reshape([
    transpose(op, gathered, [...lead.map((_, i) => i), ...outs, ...kernels]),
    op.Concat([op.dims(shape), op.ints([-1])], { axis: 0 }),
  ]);
  const found = windowMaximum(op, flat, { axis: shape.length, keepdim: false });
  for (const v of found) v.type = { dtype: v.type!.dtype, shape };
  const [values, chosen] = found as [Value, Value];
  return [values, placesInPlane(op, chosen, sizes, windows)];
}

/** From the element of a window to its place in the input plane, from the last axis to the first. */
function placesInPlane(
  op: AtenBuilder,
  chosen: Value,
  sizes: readonly Dim[],
  windows: readonly AdaptiveWindows[],
): Value {
  const one = op.scalar('int64', 1);
  let [left, place, stride] = [chosen, op.scalar('int64', 0), one];
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    const { starts, ends, width } = windows[axis]!;
    const behind = sizes.slice(axis + 1).map((_, i) => i + 1);
    const [first, end] = [starts, ends].map((v) => unsqueeze(op, v, behind)) as [Value, Value];
    const at = op.Min([op.Add([first, op.Mod([left, width])]), op.Sub([end, one])]);
    place = op.Add([place, op.Mul([at, stride])]);
    [left, stride] = [op.Div([left, width]), op.Mul([stride, op.dim(sizes[axis]!)])];
  }
  place.type = chosen.type;
  return place;
}

interface Windows {
  readonly sizes: readonly number[];
  readonly output: readonly number[];
  readonly widths: readonly number[];
  readonly windows: readonly (readonly (readonly number[])[])[];
}

/** From the element of a window to its place in the input plane, by a table of all windows. */
function positionsInPlane(op: AtenBuilder, chosen: Value, { sizes, windows, output, widths }: Windows): Value {
  const area = widths.reduce((a, b) => a * b, 1);
  const cells = output.reduce((a, b) => a * b, 1);
  const table = Array.from({ length: cells * area }, (_, n) => {
    let [cell, element, place, stride] = [Math.floor(n / area), n % area, 0, 1];
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      place += windows[axis]![cell % output[axis]!]![element % widths[axis]!]! * stride;
      cell = Math.floor(cell / output[axis]!);
      element = Math.floor(element / widths[axis]!);
      stride *= sizes[axis]!;
    }
    return place;
  });
  const starts = op.tensor(
    'int64',
    output,
    Array.from({ length: cells }, (_, i) => i * area),
  );
  return op.Gather([op.ints(table), op.Add([chosen, starts])], { axis: 0 });
}

type Schema = 'aten::adaptive_max_pool(Tensor self, int[2] output_size) -> (Tensor, Tensor)';
export const adaptive_max_pool = [1, 2, 3].flatMap((rank) =>
  aten(
    `aten::adaptive_max_pool${rank}d(Tensor self, int[${rank}] output_size) -> (Tensor, Tensor)` as Schema,
    (op, { self, output_size }) => adaptiveMaximum(op, self, output_size),
  ),
);
