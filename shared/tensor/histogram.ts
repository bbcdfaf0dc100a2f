/** Histograms of float32 numbers in even bins, as `numpy.histogram` counts them.. */

export interface Histogram {
  /** Whether the sign counts. */
  readonly of: 'values' | 'magnitudes';
  /** One more than there are bins. */
  readonly edges: Float32Array;
  readonly counts: Float64Array;
}

/** Empty; edges are those of `numpy.linspace` in float32. Where first and last are equal they are one wide in all. */
export function evenBins(of: Histogram['of'], [first, last]: readonly [number, number], bins: number): Histogram {
  if (first === last) return evenBins(of, [Math.fround(first - 0.5), Math.fround(last + 0.5)], bins);
  const step = Math.fround(Math.fround(last - first) / bins);
  const edges = Float32Array.from({ length: bins + 1 }, (_, i) => Math.fround(i * step) + first);
  edges[bins] = last;
  return { of, edges, counts: new Float64Array(bins) };
}

/** A number on an edge belongs to the bin that begins there, the last edge to the last bin; the rest to none. */
export function countInto({ of, edges, counts }: Histogram, values: Float32Array): void {
  const bins = counts.length;
  const [first, last] = [edges[0]!, edges[bins]!];
  const perUnit = bins / (last - first);
  const signless = of === 'magnitudes';
  for (let i = 0; i < values.length; i++) {
    const value = signless ? Math.abs(values[i]!) : values[i]!;
    if (!(value >= first && value <= last)) continue;
    let bin = Math.min(bins - 1, Math.trunc((value - first) * perUnit));
    // The product is rounded, the edges decide.
    if (value < edges[bin]!) bin--;
    else if (bin < bins - 1 && value >= edges[bin + 1]!) bin++;
    counts[bin]!++;
  }
}
