/** How far a model's outputs are from a reference, over any number of batches, without keeping one of them. */
import type { OutputComparison } from '../report/report.ts';
import { asFloats } from '../tensor/arithmetic.ts';
import { addDistances, type Distances, noDistances } from '../tensor/distances.ts';
import { type Dtype, isFloat } from '../tensor/dtype.ts';
import { decodeBigInts } from '../tensor/numbers.ts';
import { largestAt, looksLikeScores } from './class-scores.ts';
import type { MemoryTensor } from './session.ts';
import { type SamplePlace, WorstSamples } from './worst-samples.ts';

export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}
export const DEFAULT_TOLERANCE: Tolerance = { rtol: 1e-3, atol: 1e-4 };

/** Gathers one output; both tensors of a pair must have the same dtype and shape. */
export interface OutputComparer {
  /** `place`: which samples these are, to know the worst of them. */
  add(actual: MemoryTensor, reference: MemoryTensor, place?: SamplePlace): void;
  result(): OutputComparison;
}

/** Integers and bools are within tolerance only when they are equal. */
export function compareOutput(output: string, dtype: Dtype, tolerance: Tolerance = DEFAULT_TOLERANCE): OutputComparer {
  const sums = noDistances();
  const rows: RowCount = { rows: 0, agreeing: 0, rank: 0 };
  const worst = new WorstSamples();
  const { rtol, atol } = isFloat(dtype) ? tolerance : { rtol: 0, atol: 0 };
  return {
    add(actual, reference, place) {
      requireSamePlace(output, actual, reference);
      const a = numbersOf(actual);
      const r = numbersOf(reference);
      if (place)
        worst.add({ actual: a, reference: r, shape: reference.shape, isScores: reference.shape.length === 2 }, place);
      addDistances(sums, { actual: a, reference: r, rtol, atol });
      if (WIDE.has(dtype)) addWideDistances(sums, actual, reference);
      const classes = reference.shape.at(-1) ?? 0;
      if (isFloat(dtype) && reference.shape.length >= 2 && classes > 1) {
        rows.rank = reference.shape.length;
        countAgreeing(rows, { actual: a, reference: r, classes });
      }
    },
    result: () => ({
      output,
      dtype,
      elements: sums.elements,
      maxAbsDiff: sums.unlike > 0 ? NaN : sums.maxAbs,
      meanAbsDiff: sums.unlike > 0 ? NaN : sums.sumAbs / Math.max(sums.elements, 1),
      meanSquaredDiff: sums.unlike > 0 ? NaN : sums.squaredDifference / Math.max(sums.elements, 1),
      cosine: cosineOf(sums),
      sqnr: sums.unlike > 0 ? null : sqnrOf(sums.squaredReference, sums.squaredDifference),
      top1Agreement: rows.rows > 0 ? rows.agreeing / rows.rows : null,
      ...(rows.rows > 0 ? { looksLikeScores: looksLikeScores(output, rows.rank) } : {}),
      withinTolerance: sums.elements > 0 ? sums.outside === 0 : null,
      ...(worst.result()?.length ? { worst: worst.result()! } : {}),
    }),
  };
}

function requireSamePlace(output: string, actual: MemoryTensor, reference: MemoryTensor): void {
  const text = (t: MemoryTensor): string => `${t.dtype}[${t.shape.join(',')}]`;
  if (text(actual) !== text(reference))
    throw new Error(`output "${output}": cannot compare ${text(actual)} with ${text(reference)}`);
}

function numbersOf({ dtype, memory }: MemoryTensor): ArrayLike<number> {
  if (isFloat(dtype)) return asFloats(dtype, memory);
  if (dtype === 'uint8' || dtype === 'bool') return memory;
  return Float64Array.from(decodeBigInts(dtype, memory), Number);
}

const WIDE: ReadonlySet<Dtype> = new Set<Dtype>(['int64', 'uint64']);

/** 64-bit integers that differ although they are the same number in float64. */
function addWideDistances(sums: Distances, actual: MemoryTensor, reference: MemoryTensor): void {
  const a = decodeBigInts(actual.dtype, actual.memory);
  const r = decodeBigInts(reference.dtype, reference.memory);
  a.forEach((value, i) => {
    if (value === r[i] || Number(value) !== Number(r[i])) return;
    const difference = Math.abs(Number(value - r[i]!));
    sums.outside++;
    sums.sumAbs += difference;
    sums.maxAbs = Math.max(sums.maxAbs, difference);
  });
}

const EPSILON = 2 ** -52;

/**
 * `20 log10(|x| / |x - y|)` in decibels from the sums of squares, as onnxruntime's qdq_loss_debug; null where the two
 * are equal.
 */
export function sqnrOf(squaredReference: number, squaredDifference: number): number | null {
  if (squaredDifference === 0) return null;
  return (
    20 * Math.log10(Math.max(Math.sqrt(squaredReference), EPSILON) / Math.max(Math.sqrt(squaredDifference), EPSILON))
  );
}

function cosineOf({ squaredReference, squaredActual, product, unlike }: Distances): number | null {
  if (squaredReference === 0 || squaredActual === 0 || unlike > 0) return null;
  return Math.max(-1, Math.min(1, product / Math.sqrt(squaredReference * squaredActual)));
}

interface RowCount {
  rows: number;
  agreeing: number;
  /** Of the tensors. */
  rank: number;
}

function countAgreeing(
  count: RowCount,
  {
    actual,
    reference,
    classes,
  }: { readonly actual: ArrayLike<number>; readonly reference: ArrayLike<number>; readonly classes: number },
): void {
  for (let start = 0; start < reference.length; start += classes) {
    count.rows++;
    if (largestAt(actual, start, classes) === largestAt(reference, start, classes)) count.agreeing++;
  }
}
