/** Operators on images and regions of images. */
import { type Dim, floorDivDims, isStatic, mulDims } from '../../tensor/dim.ts';
import { floatsOf } from './content.ts';
import type { Inferred, OpCall, OpRow } from './row.ts';
import { agreeDim, axesIn, productDims, requireRank, typed, unknownShape } from './shape-rules.ts';

export const IMAGE = {
  Resize: {
    since: [10, 11, 13, 18, 19],
    inputs: 'X roi? scales? sizes?',
    attributes: {
      antialias: { kind: 'int', since: 18, default: 0 },
      axes: { kind: 'ints', since: 18, optional: true },
      coordinate_transformation_mode: { kind: 'string', since: 11, default: 'half_pixel' },
      cubic_coeff_a: { kind: 'float', since: 11, default: -0.75 },
      exclude_outside: { kind: 'int', since: 11, default: 0 },
      extrapolation_value: { kind: 'float', since: 11, default: 0 },
      keep_aspect_ratio_policy: { kind: 'string', since: 18, default: 'stretch' },
      mode: { kind: 'string', default: 'nearest' },
      nearest_mode: { kind: 'string', since: 11, default: 'round_prefer_floor' },
    },
    infer: resize,
  },
  GridSample: {
    since: [16, 20, 22],
    inputs: 'X grid',
    attributes: {
      align_corners: { kind: 'int', default: 0 },
      mode: { kind: 'string', default: 'linear' },
      padding_mode: { kind: 'string', default: 'zeros' },
    },
    infer: (c) => {
      requireRank(c, 1, c.rank(0));
      agreeDim(c.shape(1).at(-1)!, c.rank(0) - 2, 'GridSample, coordinates');
      return typed(c.dtypeOf(0), [
        agreeDim(c.shape(0)[0]!, c.shape(1)[0]!, 'GridSample, batch'),
        c.shape(0)[1]!,
        ...c.shape(1).slice(1, -1),
      ]);
    },
  },
  AffineGrid: {
    since: [20],
    inputs: 'theta size',
    outputs: 'grid',
    attributes: { align_corners: { kind: 'int', default: 0 } },
    infer: (c) => {
      const image = c.content(1) ?? unknownShape(c, 1);
      if (!image) return { type: null };
      return typed(c.dtypeOf(0), [c.shape(0)[0]!, ...image.slice(2), image.length - 2]);
    },
  },
  NonMaxSuppression: {
    since: [10, 11],
    inputs: 'boxes scores max_output_boxes_per_class? iou_threshold? score_threshold?',
    outputs: 'selected_indices',
    attributes: { center_point_box: { kind: 'int', default: 0 } },
    infer: (c) => {
      for (const i of [0, 1]) requireRank(c, i, 3);
      return typed('int64', [c.unknownDim(), 3]);
    },
  },
  RoiAlign: {
    since: [10, 16, 22],
    inputs: 'X rois batch_indices',
    attributes: {
      coordinate_transformation_mode: { kind: 'string', since: 16, default: 'half_pixel' },
      mode: { kind: 'string', default: 'avg' },
      output_height: { kind: 'int', default: 1 },
      output_width: { kind: 'int', default: 1 },
      sampling_ratio: { kind: 'int', default: 0 },
      spatial_scale: { kind: 'float', default: 1 },
    },
    infer: (c) => {
      requireRank(c, 0, 4);
      requireRank(c, 1, 2);
      return typed(c.dtypeOf(0), [
        agreeDim(c.shape(1)[0]!, c.shape(2)[0]!, 'RoiAlign, regions'),
        c.shape(0)[1]!,
        c.int('output_height'),
        c.int('output_width'),
      ]);
    },
  },
  MaxRoiPool: {
    since: [1, 22],
    inputs: 'X rois',
    attributes: { pooled_shape: { kind: 'ints' }, spatial_scale: { kind: 'float', default: 1 } },
    infer: (c) => {
      requireRank(c, 0, 4);
      requireRank(c, 1, 2);
      return typed(c.dtypeOf(0), [c.shape(1)[0]!, c.shape(0)[1]!, ...(c.ints('pooled_shape') ?? [])]);
    },
  },
  Col2Im: {
    since: [18],
    inputs: 'input image_shape block_shape',
    outputs: 'output',
    attributes: {
      dilations: { kind: 'ints', optional: true },
      pads: { kind: 'ints', optional: true },
      strides: { kind: 'ints', optional: true },
    },
    infer: (c) => {
      requireRank(c, 0, 3);
      const [image, block] = [c.content(1) ?? unknownShape(c, 1), c.content(2)];
      if (!image) return { type: null };
      return typed(c.dtypeOf(0), [
        c.shape(0)[0]!,
        block ? floorDivDims(c.shape(0)[1]!, productDims(block)) : c.unknownDim(),
        ...image,
      ]);
    },
  },
} as const satisfies Record<string, OpRow>;

function resize(c: OpCall): Inferred {
  const rank = c.rank(0);
  const axes = axesIn(c.ints('axes') ?? Array.from({ length: rank }, (_, i) => i), rank);
  const shape = [...c.shape(0)];
  const sizes = c.has(3)
    ? c.string('keep_aspect_ratio_policy') === 'stretch'
      ? c.content(3)
      : keptRatio(c, axes)
    : null;
  // Opset 10 had no region of interest before the scales.
  const scales =
    c.has(3) || c.string('coordinate_transformation_mode') === 'tf_crop_and_resize'
      ? null
      : floatsOf(c, c.opset < 11 ? 1 : 2);
  const given = sizes ?? scales;
  if (given && given.length !== axes.length) throw new Error(`Resize: ${given.length} sizes for ${axes.length} axes`);
  axes.forEach((axis, i) => {
    shape[axis] = sizes ? sizes[i]! : ((scales && scaled(shape[axis]!, scales[i]!)) ?? c.unknownDim());
  });
  return typed(c.dtypeOf(0), shape);
}

/** `floor(dim * scale)` in float32, as runtimes compute it. */
function scaled(dim: Dim, scale: number): Dim | null {
  if (isStatic(dim)) return Math.floor(Math.fround(dim * Math.fround(scale)));
  // Exact for scales with a short binary fraction; others round differently from size to size.
  for (let denominator = 1; denominator <= 64; denominator *= 2) {
    if (Number.isInteger(scale * denominator)) return floorDivDims(mulDims(dim, scale * denominator), denominator);
  }
  return null;
}

function keptRatio(c: OpCall, axes: readonly number[]): number[] | null {
  const wanted = c.numbers(3);
  const found = axes.map((a) => c.shape(0)[a]!);
  if (!wanted || !found.every(isStatic)) return null;
  const ratios = wanted.map((w, i) => w / (found[i] as number));
  const scale = c.string('keep_aspect_ratio_policy') === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  return found.map((d) => Math.floor(scale * (d as number) + 0.5));
}
