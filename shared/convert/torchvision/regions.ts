/** torchvision's pooling of regions: the features under each box, on a grid of one size. */
import { type Dim, divideExactly } from '../../tensor/dim.ts';
import type { Value } from '../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../converter.ts';
import { cast, dtypeOf } from '../promote.ts';
import { expandTo, reshape, shapeOf, slice, squeeze, staticSize } from '../shape.ts';

interface Region {
  readonly input: Value;
  /** (regions, 5): the place in the batch and two corners. */
  readonly rois: Value;
  readonly spatial_scale: number;
  readonly pooled_height: Dim;
  readonly pooled_width: Dim;
}

export const pooledSize = (op: AtenBuilder, r: Region): [number, number] => [
  staticSize(op, r.pooled_height, 'pooled_height'),
  staticSize(op, r.pooled_width, 'pooled_width'),
];

/** Which image of the batch each region lies in. */
export const imageOf = (op: AtenBuilder, rois: Value): Value =>
  squeeze(op, cast(op, slice(op, rois, { axis: 1, start: 0, end: 1 }), 'int64'), [1]);

interface Sampled extends Region {
  /** Samples along each side of a bin; from the region's size where it is not positive. */
  readonly sampling_ratio: number;
  readonly aligned: boolean;
}

function sampled(op: AtenBuilder, r: Sampled): Value {
  const [height, width] = pooledSize(op, r);
  return op.RoiAlign([r.input, slice(op, r.rois, { axis: 1, start: 1, end: 5 }), imageOf(op, r.rois)], {
    coordinate_transformation_mode: r.aligned ? 'half_pixel' : 'output_half_pixel',
    output_height: height,
    output_width: width,
    sampling_ratio: Math.max(0, r.sampling_ratio),
    spatial_scale: r.spatial_scale,
  });
}

export const roi_align = aten(
  'torchvision::roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor',
  sampled,
  { limits: [{ until: 21 }, { since: 16, when: 'aligned regions' }] },
);

/** The places of the maxima are for the backward pass. */
export const roi_pool = aten(
  'torchvision::roi_pool(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width) -> (Tensor, Tensor)',
  (op, r) => [
    op.MaxRoiPool([r.input, r.rois], { pooled_shape: pooledSize(op, r), spatial_scale: r.spatial_scale }),
    null,
  ],
  { limits: [{ until: 21 }] },
);

/** Bin (i, j) of every result has a channel of its own: number i * width + j of its group. */
export const ps_roi_align = aten(
  'torchvision::ps_roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width, int sampling_ratio) -> (Tensor, Tensor)',
  (op, r) => {
    const [height, width] = pooledSize(op, r);
    const bins = height * width;
    const all = sampled(op, { ...r, aligned: true });
    const [regions, channels] = shapeOf(all) as [Dim, Dim];
    const groups = groupsOf(op, channels, bins);
    const own = op.Gather(
      [
        reshape(op, all, [regions, groups, bins * bins]),
        op.ints(Array.from({ length: bins }, (_, i) => i * (bins + 1))),
      ],
      { axis: 2 },
    );
    const pooled = reshape(op, own, [regions, groups, height, width]);
    return [r.sampling_ratio > 0 ? pooled : overSamples(op, pooled, r), channelMapping(op, pooled)];
  },
  { limits: [{ since: 16 }, { until: 21 }] },
);

export const groupsOf = (op: AtenBuilder, channels: Dim, bins: number): Dim =>
  divideExactly(channels, bins) ?? op.aten.refuse('input', channels, `channels in groups of ${bins}`);

/** The channel that each bin was read from, as int32. */
export function channelMapping(op: AtenBuilder, pooled: Value): Value {
  const [, ...group] = shapeOf(pooled);
  const sizes = group.map((d) => staticSize(op, d, 'channels'));
  const count = sizes.reduce((a, b) => a * b, 1);
  const order = op.tensor(
    'int32',
    [1, ...sizes],
    Array.from({ length: count }, (_, i) => i),
  );
  return expandTo(op, order, shapeOf(pooled));
}

/** Where a region has no samples, nothing is divided by their number, which may be 0 or less. */
function overSamples(op: AtenBuilder, pooled: Value, r: Region): Value {
  const dtype = dtypeOf(r.rois);
  const num = (value: number): Value => op.scalar(dtype, value);
  const edge = (column: number): Value =>
    op.Sub([op.Mul([slice(op, r.rois, { axis: 1, start: column, end: column + 1 }), num(r.spatial_scale)]), num(0.5)]);
  const [height, width] = pooledSize(op, r);
  const samples = (from: number, to: number, bins: number): Value =>
    op.Ceil([op.Div([op.Sub([edge(to), edge(from)]), num(bins)])]);
  const [rows, columns] = [samples(2, 4, height), samples(1, 3, width)];
  const none = op.Or([op.LessOrEqual([rows, num(0)]), op.LessOrEqual([columns, num(0)])]);
  const perRegion = [shapeOf(pooled)[0]!, 1, 1, 1];
  const nothing = op.Div([num(0), op.Mul([rows, columns])]);
  return op.Where([reshape(op, none, perRegion), reshape(op, nothing, perRegion), pooled]);
}
