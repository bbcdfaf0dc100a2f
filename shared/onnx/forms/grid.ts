/** AffineGrid and Col2Im in smaller steps. */
import { addDims, type Dim, floorDivDims, isStatic } from '../../tensor/dim.ts';
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import type { OpCall } from '../schema/row.ts';
import { windowOf } from '../schema/window-size.ts';
import { castTo, type Forms } from './form.ts';

export const GRID_FORMS: Forms = {
  AffineGrid: [{ below: 20, write: affineGrid }],
  Col2Im: [{ below: 18, write: columnsToImage }],
};

/** Homogeneous coordinates of every pixel, times the transposed matrices. */
function affineGrid(c: OpCall, op: Builder): Value {
  const [theta, size] = [c.input(0), c.input(1)];
  const dtype = c.dtypeOf(0);
  const axes = c.shape(0)[1]!;
  if (!isStatic(axes)) return op.refuse('AffineGrid', 'it exists since opset 20');
  const count = (i: number): Value => op.Gather([size, op.scalar('int64', 2 + i)], { axis: 0 });
  const spatial = op.Slice([size, op.ints([2]), op.ints([2 + axes]), op.ints([0])]);
  const coordinates = Array.from({ length: axes }, (_, i) => {
    // Places lie symmetrically around 0: (2n - (N - 1)) / (N - 1) on the corners, / N on the centers.
    const [n, one] = [castTo(op, count(i), dtype), op.scalar(dtype, 1)];
    const places = castTo(op, op.Range([op.scalar('int64', 0), count(i), op.scalar('int64', 1)]), dtype);
    const last = op.Sub([n, one]);
    const centered = op.Div([
      op.Sub([op.Mul([places, op.scalar(dtype, 2)]), last]),
      c.int('align_corners') ? op.Max([last, one]) : n,
    ]);
    const along = op.Reshape([centered, op.ints(Array.from({ length: axes }, (_, at) => (at === i ? -1 : 1)))]);
    return op.Expand([along, spatial]);
  });
  // x, the last axis, comes first.
  const ones = op.Expand([op.scalar(dtype, 1), spatial]);
  const stacked = op.Concat(
    [...coordinates.toReversed(), ones].map((v) => op.Unsqueeze([v, op.ints([-1])])),
    { axis: -1 },
  );
  const grid = op.MatMul([op.Reshape([stacked, op.ints([-1, axes + 1])]), op.Transpose([theta], { perm: [0, 2, 1] })]);
  return op.Reshape([grid, op.Concat([op.ints([0]), spatial, op.ints([axes])], { axis: 0 })]);
}

/**
 * A transposed convolution with one filter per place of the block puts every column where it belongs and adds what
 * overlaps.
 */
function columnsToImage(c: OpCall, op: Builder): Value {
  const [image, block] = [c.content(1), c.numbers(2)];
  if (!image || !block) return op.refuse('Col2Im', 'blocks computed while the model runs exist since opset 18');
  const axes = block.length;
  const { strides, dilations, pads } = windowOf(c, axes, block);
  const room = image.map((d, i): Dim => addDims(d, pads[i]!, pads[axes + i]!, -dilations[i]! * (block[i]! - 1) - 1));
  if (!room.every(isStatic))
    return op.refuse('Col2Im', 'images of a size only known while the model runs exist since opset 18');
  const counts = room.map((r, i) => (floorDivDims(r, strides[i]!) as number) + 1);
  const places = block.reduce((n, k) => n * k, 1);
  const identity = Array.from({ length: places * places }, (_, i) => (i % (places + 1) === 0 ? 1 : 0));
  const columns = op.Reshape([c.input(0), op.ints([-1, places, ...counts])]);
  const folded = op.ConvTranspose([columns, op.tensor(c.dtypeOf(0), [places, 1, ...block], identity)], {
    strides,
    dilations,
    pads,
    output_padding: room.map((r, i) => r % strides[i]!),
  });
  const channels = floorDivDims(c.shape(0)[1]!, places);
  return op.Reshape([
    folded,
    op.ints([
      -1,
      isStatic(channels) ? channels : op.refuse('Col2Im', 'an unknown number of channels'),
      ...(image as number[]),
    ]),
  ]);
}
