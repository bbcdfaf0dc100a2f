/** ATen frequencies of the bins of a Fourier transform. */
import { type Dtype, isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { DEFAULT_FLOAT } from '../../promote.ts';
import { OPTIONS } from '../../tensor-options.ts';

interface Bins {
  readonly n: number;
  /** Distance between samples. */
  readonly d: number;
  readonly dtype: Dtype | null;
}

function frequencies(op: AtenBuilder, { n, d, dtype }: Bins, cycles: readonly number[]): Value {
  const type = dtype ?? DEFAULT_FLOAT;
  if (!isFloat(type)) return op.aten.refuse('dtype', type, 'floating-point types');
  return op.tensor(
    type,
    [cycles.length],
    Float64Array.from(cycles, (k) => k / (n * d)),
  );
}
const count = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** Those that are not negative come first. */
export const fft_fftfreq = aten(`aten::fft_fftfreq(int n, float d=1.0, *, ${OPTIONS}) -> Tensor`, (op, a) =>
  frequencies(
    op,
    a,
    count(a.n).map((i) => (i < Math.ceil(a.n / 2) ? i : i - a.n)),
  ),
);
export const fft_rfftfreq = aten(`aten::fft_rfftfreq(int n, float d=1.0, *, ${OPTIONS}) -> Tensor`, (op, a) =>
  frequencies(op, a, count(Math.floor(a.n / 2) + 1)),
);
