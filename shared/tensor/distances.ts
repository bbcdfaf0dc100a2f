/** How far tensors lie from others: sums over their elements. Plain loops, no closure per element. */

/** Running sums over pairs of tensors, from which every distance follows. */
export interface Distances {
  elements: number;
  maxAbs: number;
  sumAbs: number;
  /** Sums over places where both are finite. */
  squaredReference: number;
  squaredActual: number;
  squaredDifference: number;
  product: number;
  /** Places outside the tolerance. */
  outside: number;
  /** Places where exactly one is NaN, or an infinity meets something else. */
  unlike: number;
}

export const noDistances = (): Distances => ({
  elements: 0,
  maxAbs: 0,
  sumAbs: 0,
  squaredReference: 0,
  squaredActual: 0,
  squaredDifference: 0,
  product: 0,
  outside: 0,
  unlike: 0,
});

interface Compared {
  readonly actual: ArrayLike<number>;
  readonly reference: ArrayLike<number>;
  readonly rtol: number;
  readonly atol: number;
}

/**
 * Within tolerance is `|actual - reference| <= atol + rtol * |reference|`; NaN equals NaN, an infinity equals itself.
 */
export function addDistances(sums: Distances, { actual, reference, rtol, atol }: Compared): void {
  for (let i = 0; i < reference.length; i++) {
    const a = actual[i]!;
    const r = reference[i]!;
    const difference = Math.abs(a - r);
    if (difference - difference === 0) {
      if (difference > sums.maxAbs) sums.maxAbs = difference;
      if (difference > atol + rtol * Math.abs(r)) sums.outside++;
      sums.sumAbs += difference;
      sums.squaredReference += r * r;
      sums.squaredActual += a * a;
      sums.squaredDifference += difference * difference;
      sums.product += a * r;
    } else if (a !== r && (a === a || r === r)) {
      sums.unlike++;
      sums.outside++;
    }
  }
  sums.elements += reference.length;
}
