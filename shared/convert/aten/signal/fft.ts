/** torch.fft: transforms of one or several axes, of real and complex tensors. */
import { addDims, type Dim, floorDivDims, mulDims } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { cast, DEFAULT_FLOAT, dtypeOf } from '../../promote.ts';
import { axisOf, rankOf, shapeOf, slice } from '../../shape.ts';
import { type Transform, transformed } from './fourier.ts';

/** Which n ** -power each norm stands for. */
const POWERS = {
  forward: { backward: 0, ortho: 0.5, forward: 1 },
  inverse: { backward: 1, ortho: 0.5, forward: 0 },
} as const;
type Direction = keyof typeof POWERS;
const SIGNS = { forward: -1, inverse: 1 } as const;

function powerOf(op: AtenBuilder, direction: Direction, norm: string | null): number {
  const powers: Readonly<Record<string, number>> = POWERS[direction];
  return powers[norm ?? 'backward'] ?? op.aten.refuse('norm', norm, 'backward, ortho and forward');
}

interface Signal {
  readonly x: Value;
  readonly isComplex: boolean;
  /** Sizes without the axis of pairs. */
  readonly sizes: readonly Dim[];
}

/** Integers and bools are transformed as floats. */
function signalOf(op: AtenBuilder, self: Value): Signal {
  const isComplex = op.aten.isComplex(self);
  const x = isFloat(dtypeOf(self)) ? self : cast(op, self, DEFAULT_FLOAT);
  return { x, isComplex, sizes: isComplex ? shapeOf(x).slice(0, -1) : shapeOf(x) };
}

/** The last step of a transform: what becomes of the last axis. */
type Kind = 'complex' | 'half' | 'real';

interface Axes {
  readonly axes: readonly number[];
  readonly lengths: readonly Dim[];
}

function axesOf(
  op: AtenBuilder,
  { sizes }: Signal,
  kind: Kind,
  { s, dim }: { readonly s: readonly Dim[] | null; readonly dim: readonly number[] | null },
): Axes {
  const rank = sizes.length;
  const axes = dim ? dim.map((d) => axisOf(op, d, rank)) : sizes.map((_, i) => i).slice(s ? rank - s.length : 0);
  const lengths = axes.map((axis, i) => {
    const given = s?.[i] ?? -1;
    if (given !== -1) return given;
    return kind === 'real' && i === axes.length - 1 ? mulDims(2, addDims(sizes[axis]!, -1)) : sizes[axis]!;
  });
  return { axes, lengths };
}

interface Request {
  readonly self: Value;
  readonly s: readonly Dim[] | null;
  readonly dim: readonly number[] | null;
  readonly direction: Direction;
  readonly kind: Kind;
  readonly power: number;
}

function transform(op: AtenBuilder, { self, s, dim, direction, kind, power }: Request): Value {
  const signal = signalOf(op, self);
  const { axes, lengths } = axesOf(op, signal, kind, { s, dim });
  let { x, isComplex } = signal;
  if (axes.length === 0) return op.aten.refuse('dim', '[]', 'at least one axis');
  const step = (i: number, to: Kind): void => {
    const t: Transform = {
      axis: axes[i]!,
      length: lengths[i]!,
      from: isComplex ? 'complex' : 'real',
      to,
      sign: SIGNS[direction],
      power,
    };
    x = transformed(op, x, t);
    isComplex = to !== 'real';
  };
  const last = axes.length - 1;
  // Half spectra come first, while the signal is real, and real results last.
  if (kind !== 'real') step(last, kind);
  for (let i = last - 1; i >= 0; i--) step(i, 'complex');
  if (kind === 'real') step(last, 'real');
  return x;
}

const ROWS = {
  fft: ['forward', 'complex'],
  ifft: ['inverse', 'complex'],
  rfft: ['forward', 'half'],
  irfft: ['inverse', 'real'],
  hfft: ['forward', 'real'],
  ihfft: ['inverse', 'half'],
} as const satisfies Record<string, readonly [Direction, Kind]>;

type OneSchema = 'aten::f(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor';
type TwoSchema = 'aten::f(Tensor self, SymInt[1]? s=None, int[1] dim=[-2,-1], str? norm=None) -> Tensor';
type ManySchema = 'aten::f(Tensor self, SymInt[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor';
export const transforms: OpConverter[] = Object.entries(ROWS).flatMap(([name, [direction, kind]]) => [
  ...aten(
    `aten::fft_${name}(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor` as OneSchema,
    (op, { self, n, dim, norm }) =>
      transform(op, {
        self,
        s: n === null ? null : [n],
        dim: [dim],
        direction,
        kind,
        power: powerOf(op, direction, norm),
      }),
  ),
  ...aten(
    `aten::fft_${name}2(Tensor self, SymInt[1]? s=None, int[1] dim=[-2,-1], str? norm=None) -> Tensor` as TwoSchema,
    (op, { self, s, dim, norm }) =>
      transform(op, { self, s, dim, direction, kind, power: powerOf(op, direction, norm) }),
  ),
  ...aten(
    `aten::fft_${name}n(Tensor self, SymInt[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor` as ManySchema,
    (op, { self, s, dim, norm }) =>
      transform(op, { self, s, dim, direction, kind, power: powerOf(op, direction, norm) }),
  ),
]);

/** Decomposed programs: 0 none, 1 by the root of n, 2 by n. */
const powerOfMode = (normalization: number): number => normalization / 2;
export const c2c = aten(
  'aten::_fft_c2c(Tensor self, SymInt[] dim, int normalization, bool forward) -> Tensor',
  (op, { self, dim, normalization, forward }) =>
    transform(op, {
      self,
      s: null,
      dim: dim.map(Number),
      direction: forward ? 'forward' : 'inverse',
      kind: 'complex',
      power: powerOfMode(normalization),
    }),
);
export const r2c = aten(
  'aten::_fft_r2c(Tensor self, int[] dim, int normalization, bool onesided) -> Tensor',
  (op, { self, dim, normalization, onesided }) =>
    transform(op, {
      self,
      s: null,
      dim,
      direction: 'forward',
      kind: onesided ? 'half' : 'complex',
      power: powerOfMode(normalization),
    }),
);
export const c2r = aten(
  'aten::_fft_c2r(Tensor self, int[] dim, int normalization, SymInt last_dim_size) -> Tensor',
  (op, { self, dim, normalization, last_dim_size }) =>
    transform(op, {
      self,
      s: dim.map((_, i) => (i === dim.length - 1 ? last_dim_size : -1)),
      dim,
      direction: 'inverse',
      kind: 'real',
      power: powerOfMode(normalization),
    }),
);

/**
 * The zero frequency to the middle, and back: the first half, which is the longer or the shorter one, goes behind the
 * second.
 */
export const shifts: OpConverter[] = (
  [
    ['fftshift', 1],
    ['ifftshift', 0],
  ] as const
).flatMap(([name, longer]) =>
  aten(
    `aten::fft_${name}(Tensor self, int[1]? dim=None) -> Tensor` as 'aten::f(Tensor self, int[1]? dim=None) -> Tensor',
    (op, { self, dim }) => {
      const rank = rankOf(self) - (op.aten.isComplex(self) ? 1 : 0);
      const axes = dim?.map((d) => axisOf(op, d, rank)) ?? Array.from({ length: rank }, (_, i) => i);
      return axes.reduce((x, axis) => {
        const cut = floorDivDims(addDims(shapeOf(x)[axis]!, longer), 2);
        return op.Concat(
          [slice(op, x, { axis, start: cut, end: Infinity }), slice(op, x, { axis, start: 0, end: cut })],
          { axis },
        );
      }, self);
    },
  ),
);
