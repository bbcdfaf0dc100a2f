/** How long a slice is, with bounds as ONNX Slice clamps them. */
import { addDims, ceilDivDims, type Dim, isStatic, subDims } from '../../tensor/dim.ts';
import { isAtLeast } from './bounds.ts';

export interface Bounds {
  readonly start: Dim;
  readonly end: Dim;
  readonly step: number;
}

/**
 * Elements of `start:end:step` along an axis of `length`; bounds may be ±Infinity. null: it depends on how a symbolic
 * size
 * compares with a bound, which PyTorch settled with a guard we do not see.
 */
export function sliceLength(length: Dim, { start, end, step }: Bounds): Dim | null {
  if (step === 0) throw new Error('a slice cannot have step 0');
  if (length === 0) return 0;
  const [lowest, highest] = step > 0 ? [0, length] : [-1, subDims(length, 1)];
  const from = clamp(start, length, { lowest: 0, highest });
  const to = clamp(end, length, { lowest, highest });
  if (from === null || to === null) return null;
  const distance = step > 0 ? subDims(to, from) : subDims(from, to);
  if (isStatic(distance)) return Math.max(0, Math.ceil(distance / Math.abs(step)));
  return isAtLeast(distance, 0) ? ceilDivDims(distance, Math.abs(step)) : null;
}

/** `bound` counted from the front and clamped, when the order is certain. */
function clamp(
  bound: Dim,
  length: Dim,
  { lowest, highest }: { readonly lowest: Dim; readonly highest: Dim },
): Dim | null {
  if (bound === Infinity) return highest;
  if (bound === -Infinity) return lowest;
  const at = isStatic(bound)
    ? bound < 0
      ? addDims(length, bound)
      : bound
    : isAtLeast(bound, 0)
      ? bound
      : isAtLeast(-1, bound)
        ? addDims(length, bound)
        : null;
  if (at === null) return null;
  if (isAtLeast(lowest, at)) return lowest;
  if (isAtLeast(at, highest)) return highest;
  return isAtLeast(at, lowest) && isAtLeast(highest, at) ? at : null;
}

/** The elements a slice picks from a list; null when a bound is symbolic. */
export function sliceList<T>(list: readonly T[], { start, end, step }: Bounds): T[] | null {
  if (!isStatic(start) || !isStatic(end)) return null;
  const n = list.length;
  const place = (bound: number, lowest: number, highest: number): number =>
    Math.min(highest, Math.max(lowest, bound < 0 ? bound + n : bound));
  const [from, to] =
    step > 0 ? [place(start, 0, n), place(end, 0, n)] : [place(start, 0, n - 1), place(end, -1, n - 1)];
  const picked: T[] = [];
  for (let i = from; step > 0 ? i < to : i > to; i += step) picked.push(list[i]!);
  return picked;
}
