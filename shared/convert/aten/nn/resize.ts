/** ATen upsampling and pixel rearrangement. */
import { type Dim, divideExactly, floorDivDims, isStatic, mulDims } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { rankOf, reshape, shapeOf, squeeze, staticSize, transpose, unsqueeze } from '../../shape.ts';
import { interpolatedByScale } from './interpolate.ts';
import { type Axis, nearestGathers, resizeAgrees } from './nearest.ts';
import { resampled, resampledBytes, scaled, type Target } from './resample.ts';

interface Sampling {
  readonly mode: 'nearest' | 'linear' | 'cubic';
  readonly transform: 'asymmetric' | 'half_pixel' | 'align_corners';
  readonly nearest?: 'floor' | 'round_prefer_ceil';
}

const attributesOf = ({ mode, transform, nearest }: Sampling): Record<string, string | number | undefined> => ({
  mode,
  coordinate_transformation_mode: transform,
  nearest_mode: nearest,
  cubic_coeff_a: mode === 'cubic' ? -0.75 : undefined,
});

/** The scale arguments of an operator that has one for each axis. */
const scalesIn = (args: object, names: readonly string[]): (number | null)[] =>
  names.map((name) => (args as Readonly<Record<string, number | null>>)[name] ?? null);

/** A scale that was given decides where samples are taken; a size alone means the ratio of the sizes. */
function resized(op: AtenBuilder, x: Value, target: Target, sampling: Sampling): Value {
  const { output_size: size, scale_factors: scales } = target;
  if (sampling.mode !== 'nearest' && !isFloat(dtypeOf(x)))
    return resampledBytes(op, x, {
      ...target,
      filter: sampling.mode,
      antialias: false,
      align: sampling.transform === 'align_corners',
    });
  const spatial = rankOf(x) - 2;
  const given = scales?.every((s) => s !== null) ? (scales as readonly number[]) : null;
  const sizes = size ?? (given ?? []).map((s, i) => scaled(shapeOf(x)[2 + i]!, s));
  if (sizes.length !== spatial) return op.aten.refuse('output_size', size, 'a size or a scale for every spatial axis');
  const byScale = sampling.transform === 'align_corners' ? null : given;
  const axes = sizes.map((out, i) => ({ size: shapeOf(x)[2 + i]!, out, given: byScale?.[i] ?? null }));
  if (sampling.mode === 'nearest') {
    const nearest = { isExact: sampling.transform === 'half_pixel', isPlane: spatial === 2 };
    if (!resizeAgrees(axes, nearest) || !axes.every(isSizedAlike)) return nearestGathers(op, x, axes, nearest);
  } else if (byScale && !axes.every((axis) => isSizedAlike(axis) && !copies(axis, sampling.mode)))
    return interpolatedByScale(op, x, axes, sampling.mode);
  // Of three axes the last two are interpolated: channels would be, with a weight of 0 that NaN and infinities survive.
  const isLine = spatial === 1 && sampling.mode === 'linear';
  const source = isLine ? unsqueeze(op, x, [2]) : x;
  const lead = [...shapeOf(x).slice(0, 2), ...(isLine ? [1] : [])];
  const resize = op.Resize(
    byScale
      ? [source, null, op.tensor('float32', [rankOf(source)], [...lead.map(() => 1), ...byScale])]
      : [source, null, null, op.dims([...lead, ...sizes])],
    attributesOf(sampling),
  );
  resize.type = { dtype: x.type!.dtype, shape: [...lead, ...sizes] };
  return isLine ? squeeze(op, resize, [2]) : resize;
}

const isWhole = (scale: number): boolean => Number.isInteger(scale) || Number.isInteger(Math.log2(scale));

/** Whether Resize gives the axis the size that PyTorch does: runtimes multiply by a scale in float32. */
function isSizedAlike({ size, out, given }: Axis): boolean {
  if (given === null || isWhole(given)) return true;
  return isStatic(size) && isStatic(out) && Math.trunc(Math.fround(size * Math.fround(given))) === out;
}

/** Linear interpolation copies where the size stays, whatever the scale. */
const copies = ({ size, out, given }: Axis, mode: Sampling['mode']): boolean =>
  mode === 'linear' && given !== 1 && divideExactly(out, size) === 1;

const NEAREST = { mode: 'nearest', transform: 'asymmetric', nearest: 'floor' } as const;
const NEAREST_EXACT = { mode: 'nearest', transform: 'half_pixel', nearest: 'round_prefer_ceil' } as const;
type NearestVec = 'aten::upsample_nearest.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor';
export const nearest = [1, 2, 3].flatMap((rank) =>
  (
    [
      ['upsample_nearest', NEAREST],
      ['_upsample_nearest_exact', NEAREST_EXACT],
    ] as const
  ).flatMap(([name, sampling]) => {
    const scaleNames = ['scales_d', 'scales_h', 'scales_w'].slice(3 - rank).map((s) => (rank === 1 ? 'scales' : s));
    return [
      ...aten(
        `aten::${name}${rank}d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor` as NearestVec,
        (op, a) => resized(op, a.input, a, sampling),
      ),
      ...aten(
        `aten::${name}${rank}d(Tensor self, SymInt[${rank}] output_size, ${scaleNames.map((s) => `float? ${s}=None`).join(', ')}) -> Tensor` as 'aten::n(Tensor self, SymInt[2] output_size) -> Tensor',
        (op, a) => resized(op, a.self, { ...a, scale_factors: scalesIn(a, scaleNames) }, sampling),
      ),
    ];
  }),
);

type LinearVec =
  'aten::upsample.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor';
const SMOOTH: readonly (readonly [string, 'linear' | 'cubic', readonly string[]])[] = [
  ['upsample_linear1d', 'linear', ['scales']],
  ['upsample_bilinear2d', 'linear', ['scales_h', 'scales_w']],
  ['upsample_trilinear3d', 'linear', ['scales_d', 'scales_h', 'scales_w']],
  ['upsample_bicubic2d', 'cubic', ['scales_h', 'scales_w']],
];
export const smooth = SMOOTH.flatMap(([name, mode, scaleNames]) => {
  const sampling = (align: boolean): Sampling => ({ mode, transform: align ? 'align_corners' : 'half_pixel' });
  return [
    ...aten(
      `aten::${name}.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor` as LinearVec,
      (op, a) => resized(op, a.input, a, sampling(a.align_corners)),
    ),
    ...aten(
      `aten::${name}(Tensor self, SymInt[${scaleNames.length}] output_size, bool align_corners, ${scaleNames.map((s) => `float? ${s}=None`).join(', ')}) -> Tensor` as 'aten::n(Tensor self, SymInt[2] output_size, bool align_corners) -> Tensor',
      (op, a) => resized(op, a.self, { ...a, scale_factors: scalesIn(a, scaleNames) }, sampling(a.align_corners)),
    ),
  ];
});

export const smoothAntialias = (
  [
    ['bilinear', 'linear'],
    ['bicubic', 'cubic'],
  ] as const
).flatMap(([name, filter]) => [
  ...aten(
    `aten::_upsample_${name}2d_aa.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor` as LinearVec,
    (op, a) => resampled(op, a.input, { ...a, filter, antialias: true, align: a.align_corners }),
  ),
  ...aten(
    `aten::_upsample_${name}2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, float? scales_w=None) -> Tensor` as 'aten::n(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, float? scales_w=None) -> Tensor',
    (op, a) =>
      resampled(op, a.self, {
        ...a,
        scale_factors: [a.scales_h, a.scales_w],
        filter,
        antialias: true,
        align: a.align_corners,
      }),
  ),
]);

/**
 * (.., C*r*r, H, W) to (.., C, H*r, W*r): channels are the slow axis of each block, as DepthToSpace's CRD mode has
 * them.
 */
export const pixel_shuffle = aten(
  'aten::pixel_shuffle(Tensor self, int upscale_factor) -> Tensor',
  (op, { self, upscale_factor: r }) => {
    const dims = shapeOf(self);
    const lead = dims.slice(0, -3);
    const [c, h, w] = dims.slice(-3) as [Dim, Dim, Dim];
    const out = divideExactly(c, r * r) ?? staticSize(op, c, 'channels');
    const n = lead.length;
    const blocks = reshape(op, self, [...lead, out, r, r, h, w]);
    const mixed = transpose(op, blocks, [...lead.map((_, i) => i), n, n + 3, n + 1, n + 4, n + 2]);
    return reshape(op, mixed, [...lead, out, mulDims(h, r), mulDims(w, r)]);
  },
);
export const pixel_unshuffle = aten(
  'aten::pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor',
  (op, { self, downscale_factor: r }) => {
    const dims = shapeOf(self);
    const lead = dims.slice(0, -3);
    const [c, h, w] = dims.slice(-3) as [Dim, Dim, Dim];
    const [oh, ow] = [h, w].map((d) => floorDivDims(d, r)) as [Dim, Dim];
    const n = lead.length;
    const blocks = reshape(op, self, [...lead, c, oh, r, ow, r]);
    const mixed = transpose(op, blocks, [...lead.map((_, i) => i), n, n + 2, n + 4, n + 1, n + 3]);
    return reshape(op, mixed, [...lead, mulDims(c, r * r), oh, ow]);
  },
);
export const channel_shuffle = aten(
  [
    'aten::channel_shuffle(Tensor self, SymInt groups) -> Tensor',
    'aten::native_channel_shuffle(Tensor self, SymInt groups) -> Tensor',
  ],
  (op, { self, groups }) => {
    const [n, c, ...rest] = shapeOf(self) as [Dim, Dim, ...Dim[]];
    const each = divideExactly(c, groups) ?? staticSize(op, c, 'channels');
    const grouped = reshape(op, self, [n, groups, each, ...rest]);
    return reshape(op, transpose(op, grouped, [0, 2, 1, ...rest.map((_, i) => 3 + i)]), shapeOf(self));
  },
);
