/** The weights by which PyTorch interpolates along one axis, as aten/src/ATen/native/cpu/UpSampleKernel.cpp has them. */

/** Filters by distance, how far they reach, and the cubic's parameter with and without antialiasing. */
const FILTERS = {
  linear: { reach: 1, plain: linear, antialias: linear },
  cubic: {
    reach: 2,
    plain: (x: number) => cubic(Math.abs(x), -0.75),
    antialias: (x: number) => cubic(Math.abs(x), -0.5),
  },
} as const;
export type Filter = keyof typeof FILTERS;

function linear(x: number): number {
  return Math.max(0, 1 - Math.abs(x));
}

function cubic(x: number, a: number): number {
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

export interface Axis {
  readonly size: number;
  readonly out: number;
  /** Input elements for one output element. */
  readonly scale: number;
  readonly align: boolean;
}

/** Row i has the weight of every input element in output element i. */
export type Rows = readonly (readonly number[])[];

/** A filter as wide as the shrinking asks for, normalized at the borders. */
export function antialiasRows({ size, out, scale }: Axis, filter: Filter): number[][] {
  const { reach, antialias: weight } = FILTERS[filter];
  const support = scale >= 1 ? reach * scale : reach;
  const invert = scale >= 1 ? 1 / scale : 1;
  return Array.from({ length: out }, (_, i) => {
    const center = scale * (i + 0.5);
    const from = Math.max(Math.trunc(center - support + 0.5), 0);
    const to = Math.min(Math.trunc(center + support + 0.5), size);
    const weights = Array.from({ length: size }, (_, j) =>
      j >= from && j < to ? weight((j - center + 0.5) * invert) : 0,
    );
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.map((w) => w / total);
  });
}

/** The filter where it stands between elements; what reaches beyond the border counts for the element there. */
export function plainRows({ size, out, scale, align }: Axis, filter: Filter): number[][] {
  const { reach, plain: weight } = FILTERS[filter];
  return Array.from({ length: out }, (_, i) => {
    const place = align ? scale * i : scale * (i + 0.5) - 0.5;
    const real = filter === 'cubic' || align ? place : Math.max(place, 0);
    const before = Math.min(Math.floor(real), size - 1);
    const past = Math.min(Math.max(real - before, 0), 1);
    const row = new Array<number>(size).fill(0);
    for (let tap = 1 - reach; tap <= reach; tap++) {
      const at = Math.min(Math.max(before + tap, 0), size - 1);
      row[at]! += weight(tap - past);
    }
    return row;
  });
}

/** Rounded to as many binary places as leave the largest weight in 16 bits. */
export function fixedPoint(rows: Rows): Rows {
  const largest = Math.max(...rows.flat());
  let places = 0;
  while (places < 22 && Math.trunc(0.5 + largest * 2 ** (places + 1)) < 2 ** 15) places++;
  return rows.map((row) => row.map((w) => Math.trunc(w * 2 ** places + (w < 0 ? -0.5 : 0.5)) / 2 ** places));
}
