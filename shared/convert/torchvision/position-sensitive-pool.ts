/** torchvision's position-sensitive pooling: the mean under each bin, of a channel of its own. */
import type { Dim } from '../../tensor/dim.ts';
import { tensorType } from '../../tensor/type.ts';
import type { Value } from '../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../converter.ts';
import { truncate } from '../aten/elementwise/division.ts';
import { cast, dtypeOf } from '../promote.ts';
import { reshape, shapeOf, slice, unsqueeze } from '../shape.ts';
import { channelMapping, groupsOf, imageOf, pooledSize } from './regions.ts';

/** C's round: halves away from zero. */
function round(op: AtenBuilder, x: Value): Value {
  const whole = truncate(op, x);
  const isHalf = op.GreaterOrEqual([op.Abs([op.Sub([x, whole])]), op.scalar(dtypeOf(x), 0.5)]);
  return op.Where([isHalf, op.Add([whole, op.Sign([x])]), whole]);
}

interface Side {
  /** First and last column of the corners in `rois`. */
  readonly columns: readonly [number, number];
  readonly bins: number;
  readonly size: Dim;
  readonly scale: number;
}

interface Bins {
  /** (regions, bins, size): which rows or columns of the image each bin holds. */
  readonly holds: Value;
  /** (regions, bins): how many, at least 0. */
  readonly length: Value;
}

/** Bins along one side, cut to the image without its last row or column. */
function binsOf(op: AtenBuilder, rois: Value, { columns, bins, size, scale }: Side): Bins {
  const dtype = dtypeOf(rois);
  const num = (value: number): Value => op.scalar(dtype, value);
  const corner = (column: number): Value =>
    round(op, op.Mul([slice(op, rois, { axis: 1, start: column, end: column + 1 }), num(scale)]));
  const start = corner(columns[0]);
  const step = op.Div([op.Max([op.Sub([corner(columns[1]), start]), num(1)]), num(bins)]);
  const limit = cast(op, op.Sub([op.dim(size), op.scalar('int64', 1)]), dtype);
  const border = (first: number, rounded: 'Floor' | 'Ceil'): Value => {
    const numbers = op.tensor(
      dtype,
      [bins],
      Array.from({ length: bins }, (_, i) => first + i),
    );
    return op.Min([op.Max([op.Add([op[rounded]([op.Mul([numbers, step])]), start]), num(0)]), limit]);
  };
  const [from, to] = [border(0, 'Floor'), border(1, 'Ceil')];
  const places = cast(op, op.Range([op.scalar('int64', 0), op.dim(size), op.scalar('int64', 1)]), dtype);
  return {
    holds: op.And([op.GreaterOrEqual([places, unsqueeze(op, from, [2])]), op.Less([places, unsqueeze(op, to, [2])])]),
    length: op.Max([op.Sub([to, from]), num(0)]),
  };
}

/** One region after the other: the features of all at once would not fit. */
export const ps_roi_pool = aten(
  'torchvision::ps_roi_pool(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width) -> (Tensor, Tensor)',
  (op, r) => {
    const { input, rois, spatial_scale: scale } = r;
    const [, channels, height, width] = shapeOf(input) as [Dim, Dim, Dim, Dim];
    const [rowBins, columnBins] = pooledSize(op, r);
    const groups = groupsOf(op, channels, rowBins * columnBins);
    const rows = binsOf(op, rois, { columns: [2, 4], bins: rowBins, size: height, scale });
    const columns = binsOf(op, rois, { columns: [1, 3], bins: columnBins, size: width, scale });

    const body = op.sub('region');
    const at = body.graph.addInput(body.freshName('at'), tensorType('int64', []));
    body.graph.addInput(body.freshName('going'), tensorType('bool', []));
    const [image, inRows, inColumns] = [imageOf(op, rois), rows.holds, columns.holds].map((v) =>
      body.Gather([v, at], { axis: 0 }),
    ) as [Value, Value, Value];
    const features = body.Reshape([
      body.Gather([input, image], { axis: 0 }),
      op.dims([groups, rowBins, columnBins, height, width]),
    ]);
    const inBin = body.And([body.Unsqueeze([inRows, op.ints([1, 3])]), body.Unsqueeze([inColumns, op.ints([0, 2])])]);
    const held = body.Where([inBin, features, op.scalar(dtypeOf(input), 0)]);
    body.graph.outputs.push(
      body.Identity([op.scalar('bool', true)]),
      body.ReduceSum([held, op.ints([3, 4])], { keepdims: 0 }),
    );
    const stacked = op.Loop([op.dim(shapeOf(rois)[0]!), op.scalar('bool', true)], { body: body.graph }, 1)[0]!;

    const sums = reshape(op, stacked, [shapeOf(rois)[0]!, groups, rowBins, columnBins]);
    const area = op.Mul([unsqueeze(op, rows.length, [1, 3]), unsqueeze(op, columns.length, [1, 2])]);
    const zero = op.scalar(dtypeOf(input), 0);
    return [op.Where([op.Greater([area, zero]), op.Div([sums, area]), zero]), channelMapping(op, sums)];
  },
);
