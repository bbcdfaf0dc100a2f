/** ATen convolutions. */
import type { Dim } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { rankOf, shapeOf, squeeze, staticSize, transpose, unsqueeze } from '../../shape.ts';
import { convolveIntegers } from './integer-convolution.ts';

interface Window {
  readonly stride: readonly Dim[];
  readonly dilation: readonly Dim[];
  readonly groups: Dim;
}

const numbers = (op: AtenBuilder, dims: readonly Dim[], spatial: number, what: string): number[] => {
  const list = dims.map((d) => staticSize(op, d, what));
  return list.length === 1 ? new Array<number>(spatial).fill(list[0]!) : list;
};

/** PyTorch takes inputs without a batch axis; ONNX does not. */
function batched(op: AtenBuilder, input: Value, weight: Value, f: (x: Value) => Value): Value {
  return rankOf(input) === rankOf(weight) ? f(input) : squeeze(op, f(unsqueeze(op, input, [0])), [0]);
}

interface Filtered extends Window {
  readonly input: Value;
  readonly weight: Value;
  readonly bias: Value | null;
}

/** `padding`: begin and end of each axis. */
function convolve(
  op: AtenBuilder,
  { input, weight, bias, ...window }: Filtered,
  padding: readonly (readonly [number, number])[],
): Value {
  const spatial = rankOf(weight) - 2;
  if (!isFloat(dtypeOf(input)))
    return batched(op, input, weight, (x) =>
      convolveIntegers(op, x, {
        weight,
        bias,
        padding,
        strides: numbers(op, window.stride, spatial, 'stride'),
        dilations: numbers(op, window.dilation, spatial, 'dilation'),
        groups: staticSize(op, window.groups, 'groups'),
      }),
    );
  return batched(op, input, weight, (x) =>
    op.Conv([x, weight, bias], {
      kernel_shape: shapeOf(weight)
        .slice(2)
        .map((d) => staticSize(op, d, 'weight')),
      strides: numbers(op, window.stride, spatial, 'stride'),
      dilations: numbers(op, window.dilation, spatial, 'dilation'),
      group: staticSize(op, window.groups, 'groups'),
      // ONNX pads are [begins..., ends...]; PyTorch gives one number an axis.
      pads: [...padding.map(([begin]) => begin), ...padding.map(([, end]) => end)],
    }),
  );
}

const symmetric = (op: AtenBuilder, padding: readonly Dim[], spatial: number): (readonly [number, number])[] =>
  numbers(op, padding, spatial, 'padding').map((p) => [p, p] as const);

/** "same" pads `dilation * (kernel - 1)` in all, the larger half at the end. */
function namedPadding(
  op: AtenBuilder,
  padding: string,
  weight: Value,
  dilation: readonly Dim[],
): (readonly [number, number])[] {
  const kernel = shapeOf(weight)
    .slice(2)
    .map((d) => staticSize(op, d, 'weight'));
  if (padding === 'valid') return kernel.map(() => [0, 0] as const);
  if (padding !== 'same') return op.aten.refuse('padding', padding, 'same, valid or numbers');
  const dilations = numbers(op, dilation, kernel.length, 'dilation');
  return kernel.map((k, i) => {
    const total = dilations[i]! * (k - 1);
    const begin = Math.floor(total / 2);
    return [begin, total - begin] as const;
  });
}

const signature = (rank: number, padding: string): string =>
  `(Tensor input, Tensor weight, Tensor? bias=None, SymInt[${rank}] stride=1, ${padding}, ` +
  `SymInt[${rank}] dilation=1, SymInt groups=1) -> Tensor`;
type ConvSchema =
  'aten::conv(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=1, SymInt[2] padding=0, SymInt[2] dilation=1, SymInt groups=1) -> Tensor';
type NamedSchema =
  'aten::conv(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=1, str padding="valid", SymInt[2] dilation=1, SymInt groups=1) -> Tensor';

export const conv = [1, 2, 3].flatMap((rank) => [
  ...aten(`aten::conv${rank}d${signature(rank, `SymInt[${rank}] padding=0`)}` as ConvSchema, (op, a) =>
    convolve(op, a, symmetric(op, a.padding, rank)),
  ),
  ...aten(`aten::conv${rank}d.padding${signature(rank, 'str padding="valid"')}` as NamedSchema, (op, a) =>
    convolve(op, a, namedPadding(op, a.padding, a.weight, a.dilation)),
  ),
]);

interface TransposedConvolution extends Filtered {
  readonly padding: readonly Dim[];
  readonly output_padding: readonly Dim[];
}

function convolveTransposed(op: AtenBuilder, { input, weight, bias, ...window }: TransposedConvolution): Value {
  if (!isFloat(dtypeOf(input))) return op.aten.refuse('input', dtypeOf(input), 'floating-point convolutions');
  const spatial = rankOf(weight) - 2;
  const pads = symmetric(op, window.padding, spatial);
  const strides = numbers(op, window.stride, spatial, 'stride');
  const extra = numbers(op, window.output_padding, spatial, 'output_padding');
  // ONNX adds less than a stride at the end. PyTorch may add more: first what the padding would cut off there.
  const uncut = extra.map((e, i) => (e < strides[i]! ? 0 : Math.min(e, pads[i]![1])));
  if (extra.some((e, i) => e > 0 && e - uncut[i]! >= strides[i]!))
    return op.aten.refuse('output_padding', extra.join(), 'less than the stride (beyond the padding)');
  return batched(op, input, weight, (x) =>
    op.ConvTranspose([x, weight, bias], {
      kernel_shape: shapeOf(weight)
        .slice(2)
        .map((d) => staticSize(op, d, 'weight')),
      strides,
      dilations: numbers(op, window.dilation, spatial, 'dilation'),
      group: staticSize(op, window.groups, 'groups'),
      output_padding: extra.map((e, i) => e - uncut[i]!),
      pads: [...pads.map(([begin]) => begin), ...pads.map(([, end], i) => end - uncut[i]!)],
    }),
  );
}

const transposedSignature = (rank: number): string =>
  `(Tensor input, Tensor weight, Tensor? bias=None, SymInt[${rank}] stride=1, SymInt[${rank}] padding=0, ` +
  `SymInt[${rank}] output_padding=0, SymInt groups=1, SymInt[${rank}] dilation=1) -> Tensor`;
type TransposedSchema =
  'aten::conv_transpose(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=1, SymInt[2] padding=0, SymInt[2] output_padding=0, SymInt groups=1, SymInt[2] dilation=1) -> Tensor';
const TRANSPOSED = ['conv_transpose1d', 'conv_transpose2d.input', 'conv_transpose3d.input'];
export const conv_transpose = TRANSPOSED.flatMap((name, i) =>
  aten(`aten::${name}${transposedSignature(i + 1)}` as TransposedSchema, (op, a) => convolveTransposed(op, a)),
);

export const convolution = aten(
  [
    'aten::convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups) -> Tensor',
    'aten::_convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups, bool benchmark, bool deterministic, bool cudnn_enabled, bool allow_tf32) -> Tensor',
    'aten::_convolution.deprecated(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] dilation, bool transposed, int[] output_padding, SymInt groups, bool benchmark, bool deterministic, bool cudnn_enabled) -> Tensor',
  ],
  (op, a) =>
    a.transposed ? convolveTransposed(op, a) : convolve(op, a, symmetric(op, a.padding, rankOf(a.weight) - 2)),
);

/** (time, batch, channels), the weight (taps, channels in, channels out). */
export const conv_tbc = aten(
  'aten::conv_tbc(Tensor self, Tensor weight, Tensor bias, int pad=0) -> Tensor',
  (op, { self, weight, bias, pad }) => {
    const result = convolve(
      op,
      {
        input: transpose(op, self, [1, 2, 0]),
        weight: transpose(op, weight, [2, 1, 0]),
        bias,
        stride: [1],
        dilation: [1],
        groups: 1,
      },
      [[pad, pad]],
    );
    return transpose(op, result, [2, 0, 1]);
  },
);
