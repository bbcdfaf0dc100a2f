/**
 * ATen fractional maximum pooling: where windows begin follows from random samples that are an input of the operator.
 */
import { type Dim, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { windowMaximum } from '../reduce/extremes.ts';
import { rankOf, reshape, shapeOf, squeeze, staticSize, unsqueeze } from '../../shape.ts';

interface Axis {
  readonly size: number;
  readonly out: number;
  readonly kernel: number;
}

/**
 * First positions (n, c, out) of the windows: trunc((i + sample) * alpha) - trunc(sample * alpha), and the last window
 * ends at the border.
 */
function startsOf(op: AtenBuilder, sample: Value, { size, out, kernel }: Axis): Value {
  const shape = [...shapeOf(sample), 1];
  const last = op.Add([
    op.Cast([op.Mul([reshape(op, sample, shape), op.scalar(dtypeOf(sample), 0)])], { to: 'int64' }),
    op.scalar('int64', size - kernel),
  ]);
  if (out === 1) return last;
  const dtype = dtypeOf(sample);
  const alpha = op.Div([op.scalar(dtype, size - kernel), op.scalar(dtype, out - 1)]);
  const from = reshape(op, sample, shape);
  const whole = (x: Value): Value => op.Cast([op.Mul([x, alpha])], { to: 'int64' });
  const steps = op.tensor(
    dtype,
    [out - 1],
    Float64Array.from({ length: out - 1 }, (_, i) => i),
  );
  return op.Concat([op.Sub([whole(op.Add([steps, from])), whole(from)]), last], { axis: rankOf(sample) });
}

interface Windows {
  readonly axes: readonly Axis[];
  readonly samples: Value;
  /** Which of the random samples belongs to each spatial axis. */
  readonly order: readonly number[];
}

function fractionalMaximum(op: AtenBuilder, given: Value, { axes, samples, order }: Windows): Value[] {
  const count = axes.length;
  const unbatched = rankOf(given) === count + 1;
  const x = unbatched ? unsqueeze(op, given, [0]) : given;
  const lead = shapeOf(x).slice(0, 2) as [Dim, Dim];
  // Places in the plane, shaped (n, c, out0, ..., k0, ...).
  let places: Value | null = null;
  let stride = 1;
  for (let i = count - 1; i >= 0; i--) {
    const { size, out, kernel } = axes[i]!;
    const starts = startsOf(op, op.Gather([samples, op.scalar('int64', order[i]!)], { axis: 2 }), axes[i]!);
    const shape = (at: number, n: number): number[] => Array.from({ length: 2 * count }, (_, j) => (j === at ? n : 1));
    const within = op.tensor(
      'int64',
      shape(count + i, kernel),
      Array.from({ length: kernel }, (_, k) => k),
    );
    const here = op.Mul([
      op.Add([reshape(op, starts, [...lead, ...shape(i, out)]), within]),
      op.scalar('int64', stride),
    ]);
    places = places ? op.Add([places, here]) : here;
    stride *= size;
  }
  const cells = axes.reduce((n, a) => n * a.out, 1);
  const area = axes.reduce((n, a) => n * a.kernel, 1);
  const flat = reshape(op, places!, [...lead, cells * area]);
  const windows = reshape(
    op,
    op.GatherElements([reshape(op, x, [...lead, mulDims(...shapeOf(x).slice(2))]), flat], { axis: 2 }),
    [...lead, cells, area],
  );
  const [values, chosen] = windowMaximum(op, windows, { axis: 3, keepdim: true }) as [Value, Value];
  const results = [values, op.GatherElements([reshape(op, flat, [...lead, cells, area]), chosen], { axis: 3 })];
  return results.map((v) => {
    const pooled = reshape(op, v, [...lead, ...axes.map((a) => a.out)]);
    return unbatched ? squeeze(op, pooled, [0]) : pooled;
  });
}

/** As the operators' own arguments are called. */
interface Sizes {
  readonly self: Value;
  readonly kernel_size: readonly number[];
  readonly output_size: readonly number[];
}

const axesOf = (op: AtenBuilder, { self, kernel_size: kernel, output_size: output }: Sizes): Axis[] =>
  kernel.map((k, i) => ({
    size: staticSize(op, shapeOf(self).at(i - kernel.length)!, 'size'),
    out: output[i]!,
    kernel: k,
  }));

// In two dimensions PyTorch takes the first sample for the width, in three the first for the depth.
export const fractional_max_pool2d = aten(
  'aten::fractional_max_pool2d(Tensor self, int[2] kernel_size, int[2] output_size, Tensor random_samples) -> (Tensor, Tensor)',
  (op, a) => fractionalMaximum(op, a.self, { axes: axesOf(op, a), samples: a.random_samples, order: [1, 0] }),
);
export const fractional_max_pool3d = aten(
  'aten::fractional_max_pool3d(Tensor self, int[3] kernel_size, int[3] output_size, Tensor random_samples) -> (Tensor, Tensor)',
  (op, a) => fractionalMaximum(op, a.self, { axes: axesOf(op, a), samples: a.random_samples, order: [0, 1, 2] }),
);
