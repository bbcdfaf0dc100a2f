/** Short-time Fourier transforms: convolutions whose filters are windowed cosines and sines, and their transpose. */
import { addDims, type Dim, maxDims, mulDims, subDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { filledTensor, rankOf, reshape, shapeOf, slice, squeeze, transpose, unsqueeze } from '../../shape.ts';

/** The filters have (n + 2) * n numbers: 17 MB in float32 at this length. */
const LONGEST_FRAME = 2048;

interface Frames {
  readonly n_fft: number;
  readonly hop_length: number | null;
  readonly win_length: number | null;
  readonly window: Value | null;
  readonly normalized: boolean;
  readonly onesided: boolean | null;
}

function requireShort(op: AtenBuilder, n: number): void {
  if (n > LONGEST_FRAME) op.aten.refuse('n_fft', n, `frames of up to ${LONGEST_FRAME}`);
}

/** The window over a whole frame; a shorter one stands in its middle. null: all ones. */
function windowOf(op: AtenBuilder, { n_fft, win_length, window }: Frames, like: Value): Value | null {
  const length = win_length ?? n_fft;
  if (!window && length === n_fft) return null;
  const own = window ?? filledTensor(op, [length], dtypeOf(like), 1);
  const left = Math.floor((n_fft - length) / 2);
  return length === n_fft ? own : op.Pad([own, op.ints([left, n_fft - length - left])]);
}

const binsOf = ({ n_fft, onesided }: Frames): number => ((onesided ?? true) ? Math.floor(n_fft / 2) + 1 : n_fft);

/** [2 * bins, 1, n]: (frequency, real or imaginary) by position, windowed. */
function filters(
  op: AtenBuilder,
  frames: Frames,
  like: Value,
  entry: (k: number, re: number, im: number) => readonly [number, number],
): Value {
  const { n_fft: n } = frames;
  const bins = binsOf(frames);
  const values = new Float64Array(2 * bins * n);
  for (let k = 0; k < bins; k++) {
    for (let j = 0; j < n; j++) {
      const angle = (2 * Math.PI * ((j * k) % n)) / n;
      [values[2 * k * n + j], values[(2 * k + 1) * n + j]] = entry(k, Math.cos(angle), Math.sin(angle));
    }
  }
  const waves = op.tensor(dtypeOf(like), [2 * bins, 1, n], values);
  const window = windowOf(op, frames, like);
  return window ? op.Mul([waves, window]) : waves;
}

/** The spectrum [.., bins, frames, 2] of a signal [.., length]. */
function spectrum(op: AtenBuilder, self: Value, frames: Frames): Value {
  requireShort(op, frames.n_fft);
  if (op.aten.isComplex(self)) op.aten.refuse('self', 'a complex signal', 'real signals');
  const scale = frames.normalized ? frames.n_fft ** -0.5 : 1;
  const waves = filters(op, frames, self, (_, re, im) => [scale * re, -scale * im]);
  const isBatch = rankOf(self) === 2;
  const signal = unsqueeze(op, self, isBatch ? [1] : [0, 1]);
  const found = op.Conv([signal, waves], { strides: [frames.hop_length ?? Math.floor(frames.n_fft / 4)] });
  const [batch, , count] = shapeOf(found);
  const pairs = transpose(op, reshape(op, found, [batch!, binsOf(frames), 2, count!]), [0, 1, 3, 2]);
  return isBatch ? pairs : squeeze(op, pairs, [0]);
}

export const stft = aten(
  'aten::stft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, bool normalized=False, bool? onesided=None, bool? return_complex=None, bool? align_to_window=None) -> Tensor',
  (op, a) => {
    if (a.align_to_window) op.aten.refuse('align_to_window', true, 'false');
    return spectrum(op, a.self, a);
  },
);
export const stftCenter = aten(
  'aten::stft.center(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, bool center=True, str pad_mode="reflect", bool normalized=False, bool? onesided=None, bool? return_complex=None, bool? align_to_window=None) -> Tensor',
  (op, a) => {
    if (a.align_to_window) op.aten.refuse('align_to_window', true, 'false');
    if (!a.center) return spectrum(op, a.self, a);
    const modes: Readonly<Record<string, string>> = { reflect: 'reflect', constant: 'constant', replicate: 'edge' };
    const mode = modes[a.pad_mode] ?? op.aten.refuse('pad_mode', a.pad_mode, Object.keys(modes).join(', '));
    const lead = Array.from({ length: rankOf(a.self) - 1 }, () => 0);
    const by = Math.floor(a.n_fft / 2);
    return spectrum(op, op.Pad([a.self, op.ints([...lead, by, ...lead, by])], { mode }), a);
  },
);

export const istft = aten(
  'aten::istft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, bool center=True, bool normalized=False, bool? onesided=None, int? length=None, bool return_complex=False) -> Tensor',
  (op, a) => {
    requireShort(op, a.n_fft);
    if (a.return_complex) op.aten.refuse('return_complex', true, 'false');
    const n = a.n_fft;
    const isHalf = a.onesided ?? true;
    const scale = (a.normalized ? n ** 0.5 : 1) / n;
    // Half a spectrum stands for both halves.
    const weight = (k: number): number => scale * (isHalf && k !== 0 && 2 * k !== n ? 2 : 1);
    const waves = filters(op, a, a.self, (k, re, im) => [weight(k) * re, -weight(k) * im]);
    const isBatch = rankOf(a.self) === 4;
    const batched = isBatch ? a.self : unsqueeze(op, a.self, [0]);
    const [batch, bins, count] = shapeOf(batched);
    const strides = [a.hop_length ?? Math.floor(n / 4)];
    const channels = reshape(op, transpose(op, batched, [0, 1, 3, 2]), [batch!, mulDims(bins!, 2), count!]);
    const sum = op.ConvTranspose([channels, waves], { strides });
    const whole = addDims(n, mulDims(addDims(count!, -1), strides[0]!));
    const start = a.center ? Math.floor(n / 2) : 0;
    const end: Dim = a.length !== null ? start + a.length : a.center ? subDims(whole, Math.floor(n / 2)) : whole;
    const cut = (x: Value): Value => slice(op, x, { axis: 2, start, end });
    const y = squeeze(
      op,
      op.Div([cut(sum), cut(envelope(op, a, { like: a.self, count: count!, strides }))]),
      isBatch ? [1] : [0, 1],
    );
    const missing = maxDims(subDims(end, whole), 0);
    return missing === 0 ? y : padded(op, y, missing);
  },
);

interface Overlap {
  readonly like: Value;
  readonly count: Dim;
  readonly strides: readonly number[];
}

/** How much window every position got: the overlapping squares. */
function envelope(op: AtenBuilder, frames: Frames, { like, count, strides }: Overlap): Value {
  const window = windowOf(op, frames, like) ?? filledTensor(op, [frames.n_fft], dtypeOf(like), 1);
  return op.ConvTranspose(
    [filledTensor(op, [1, 1, count], dtypeOf(like), 1), unsqueeze(op, op.Mul([window, window]), [0, 1])],
    { strides: [...strides] },
  );
}

const padded = (op: AtenBuilder, x: Value, by: Dim): Value => {
  const lead = Array.from({ length: rankOf(x) - 1 }, () => 0);
  return op.Pad([x, op.dims([...lead, 0, ...lead, by])]);
};
