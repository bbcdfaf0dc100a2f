/** ATen pooling. */
import { type Dim, divideExactly, isStatic, mulDims } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { mean } from '../reduce/mean.ts';
import { withNaN } from './nan-pooling.ts';
import { alongAxisMatrix } from '../../axis-matrix.ts';
import { dtypeOf } from '../../promote.ts';
import { rankOf, shapeOf, squeeze, unsqueeze } from '../../shape.ts';
import { zeroPadded } from '../../sliding-windows.ts';
import { averagedWindows } from './adaptive-windows.ts';
import { averageBySums } from './average-pool.ts';
import { integerMaxima } from './integer-max-pool.ts';

interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

const spread = (list: readonly number[], n: number): number[] =>
  list.length === 1 ? new Array<number>(n).fill(list[0]!) : [...list];

function windowOf(
  rank: number,
  a: {
    kernel_size: readonly number[];
    stride: readonly number[];
    padding: readonly number[];
    dilation?: readonly number[];
  },
): Window {
  const kernel = spread(a.kernel_size, rank);
  return {
    kernel,
    // No stride means the kernel's size.
    stride: a.stride.length ? spread(a.stride, rank) : kernel,
    padding: spread(a.padding, rank),
    dilation: spread(a.dilation ?? [1], rank),
  };
}

/**
 * How much to pad at the end so that the floor formula gives the size that PyTorch's ceil_mode has: windows may start
 * inside the input or its left padding only. null: sizes are symbolic.
 */
function ceilPadding(x: Value, w: Window): number[] | null {
  const sizes = shapeOf(x).slice(-w.kernel.length);
  if (!sizes.every(isStatic)) return null;
  return (sizes as number[]).map((size, i) => {
    const [k, s, p, d] = [w.kernel[i]!, w.stride[i]!, w.padding[i]!, w.dilation[i]!];
    const span = d * (k - 1) + 1;
    let out = Math.ceil((size + 2 * p - span) / s) + 1;
    if ((out - 1) * s >= size + p) out--;
    return Math.max(0, (out - 1) * s + span - size - 2 * p);
  });
}

/** Add a batch axis where PyTorch has none, and take it off every result. */
function batched<T extends readonly Value[]>(op: AtenBuilder, x: Value, spatial: number, f: (x: Value) => T): T {
  return rankOf(x) === spatial + 2 ? f(x) : (f(unsqueeze(op, x, [0])).map((v) => squeeze(op, v, [0])) as unknown as T);
}

interface PoolRequest {
  readonly window: Window;
  readonly ceil: boolean;
}

interface MaxRequest extends PoolRequest {
  readonly indices: boolean;
}

function poolAttributes(
  op: AtenBuilder,
  x: Value,
  { window, ceil }: PoolRequest,
): { kernel_shape: readonly number[]; strides: readonly number[]; pads: readonly number[]; ceil_mode?: number } {
  const extra = ceil ? ceilPadding(x, window) : window.kernel.map(() => 0);
  return {
    kernel_shape: window.kernel,
    strides: window.stride,
    pads: [...window.padding, ...window.padding.map((p, i) => p + (extra?.[i] ?? 0))],
    ...(extra ? {} : { ceil_mode: 1 }),
  };
}

function maxPool(op: AtenBuilder, self: Value, request: MaxRequest): Value[] {
  const spatial = request.window.kernel.length;
  return batched(op, self, spatial, (x) => {
    if (dtypeOf(x) === 'int64') return wideMaxima(op, x, request);
    const attributes = { ...poolAttributes(op, x, request), dilations: request.window.dilation };
    const results = request.indices ? indexedMaxima(op, x, attributes) : [op.MaxPool([x], attributes)];
    return isFloat(dtypeOf(x)) && op.aten.carriesNaN()
      ? withNaN(op, x, { results, pool: (marks) => op.MaxPool([marks], attributes), spatial })
      : results;
  });
}

function wideMaxima(op: AtenBuilder, x: Value, { window, ceil, indices }: MaxRequest): Value[] {
  const extra = ceil ? ceilPadding(x, window) : window.kernel.map(() => 0);
  if (!extra) return op.aten.refuse('ceil_mode', true, 'fixed sizes of 64-bit integers with ceil_mode');
  const padding = window.padding.map((p, i) => [p, p + extra[i]!] as const);
  const { values, places } = integerMaxima(op, x, { ...window, padding });
  return indices ? [values, places()] : [values];
}

type MaxAttributes = ReturnType<typeof poolAttributes> & { readonly dilations: readonly number[] };
/** ONNX counts over the whole tensor, PyTorch within each plane. */
function indexedMaxima(op: AtenBuilder, x: Value, attributes: MaxAttributes): Value[] {
  const [values, places] = op.MaxPool([x], attributes, 2) as [Value, Value];
  const plane = mulDims(...shapeOf(x).slice(-attributes.kernel_shape.length));
  return [values, op.Mod([places, op.dim(plane)])];
}

const maxArguments = (rank: number): string =>
  `(Tensor self, int[${rank}] kernel_size, int[${rank}] stride=[], int[${rank}] padding=0, int[${rank}] ` +
  'dilation=1, bool ceil_mode=False)';
type MaxSchema =
  'aten::max_pool(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> Tensor';
export const max_pool = [1, 2, 3].flatMap((rank) => [
  ...aten(`aten::max_pool${rank}d${maxArguments(rank)} -> Tensor` as MaxSchema, (op, a) =>
    maxPool(op, a.self, { window: windowOf(rank, a), ceil: a.ceil_mode, indices: false }),
  ),
  ...aten(`aten::max_pool${rank}d_with_indices${maxArguments(rank)} -> (Tensor, Tensor)` as MaxSchema, (op, a) =>
    maxPool(op, a.self, { window: windowOf(rank, a), ceil: a.ceil_mode, indices: true }),
  ),
]);

interface AverageRequest extends PoolRequest {
  readonly countPadding: boolean;
  readonly divisor: number | null;
}

function averagePool(op: AtenBuilder, self: Value, request: AverageRequest): Value {
  const { window, ceil, countPadding, divisor } = request;
  return batched(op, self, window.kernel.length, (given) => {
    const extra = ceil ? ceilPadding(given, window) : window.kernel.map(() => 0);
    if (!extra || !isFloat(dtypeOf(self))) return [averageBySums(op, given, { ...request, ...window })];
    // The user's padding counts in the average, what ceil_mode adds never does: make the first real zeros.
    const padded = window.padding.some((p) => p > 0);
    const real = (countPadding || divisor !== null) && padded && extra.some((e) => e > 0);
    const x = real
      ? zeroPadded(
          op,
          given,
          window.padding.map((p) => [p, p]),
        )
      : given;
    const begin = real ? window.padding.map(() => 0) : window.padding;
    const summing = divisor !== null;
    const average = op.AveragePool([x], {
      kernel_shape: window.kernel,
      strides: window.stride,
      pads: [...begin, ...begin.map((p, i) => p + extra[i]!)],
      count_include_pad: summing || (countPadding && padded && !real) ? 1 : 0,
    });
    if (!summing) return [average];
    const area = window.kernel.reduce((a, b) => a * b, 1);
    return [op.Mul([average, op.scalar(dtypeOf(x), area / divisor)])];
  })[0]!;
}

export const avg_pool1d = aten(
  'aten::avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=0, bool ceil_mode=False, bool count_include_pad=True) -> Tensor',
  (op, a) =>
    averagePool(op, a.self, {
      window: windowOf(1, a),
      ceil: a.ceil_mode,
      countPadding: a.count_include_pad,
      divisor: null,
    }),
);
type AverageSchema =
  'aten::avg_pool(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor';
export const avg_pool = [2, 3].flatMap((rank) =>
  aten(
    `aten::avg_pool${rank}d(Tensor self, int[${rank}] kernel_size, int[${rank}] stride=[], int[${rank}] padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor` as AverageSchema,
    (op, a) =>
      averagePool(op, a.self, {
        window: windowOf(rank, a),
        ceil: a.ceil_mode,
        countPadding: a.count_include_pad,
        divisor: a.divisor_override,
      }),
  ),
);

/** Bin `i` of `out` averages from floor(i*in/out) to ceil((i+1)*in/out). */
function averagingRows(size: number, out: number): number[][] {
  return Array.from({ length: out }, (_, i) => {
    const from = Math.floor((i * size) / out);
    const to = Math.ceil(((i + 1) * size) / out);
    return new Array<number>(size).fill(0).fill(1 / (to - from), from, to);
  });
}

export function adaptiveAveragePool(op: AtenBuilder, self: Value, output: readonly Dim[]): Value {
  const rank = rankOf(self);
  const spatial = output.length;
  const axes = output.map((_, i) => rank - spatial + i);
  if (output.every((d) => d === 1)) {
    const isNothing = axes.some((axis) => shapeOf(self)[axis] === 0);
    if (rank === spatial + 2 && isFloat(dtypeOf(self)) && !isNothing) return op.GlobalAveragePool([self]);
    return mean(op, self, { axes, keepdim: true });
  }
  return axes.reduce<Value>((x, axis, i) => averageAxis(op, x, axis, output[i]!), self);
}

/** Separable: one axis at a time. */
function averageAxis(op: AtenBuilder, x: Value, axis: number, out: Dim): Value {
  const size = shapeOf(x)[axis]!;
  if (divideExactly(size, out) === 1) return x;
  if (out === 1) return op.ReduceMean([x, op.ints([axis])], { keepdims: 1 });
  if (!isStatic(size) || !isStatic(out)) return averagedWindows(op, x, axis, out);
  return alongAxisMatrix(op, x, axis, averagingRows(size, out));
}
type AdaptiveSchema = 'aten::adaptive_avg_pool(Tensor self, SymInt[2] output_size) -> Tensor';
export const adaptive_avg_pool = [
  ...aten('aten::adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor', (op, { self, output_size }) =>
    adaptiveAveragePool(op, self, output_size),
  ),
  ...['adaptive_avg_pool2d', 'adaptive_avg_pool3d', '_adaptive_avg_pool2d', '_adaptive_avg_pool3d'].flatMap((name) =>
    aten(
      `aten::${name}(Tensor self, SymInt[${name.at(-2)}] output_size) -> Tensor` as AdaptiveSchema,
      (op, { self, output_size }) => adaptiveAveragePool(op, self, output_size),
    ),
  ),
];
