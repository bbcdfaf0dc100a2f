/** Factors of symmetric matrices in float64, row by row: rows are contiguous, only the lower half is read. */

/**
 * The upper triangle U with `inverse(A) = U^T U` of a positive definite `[n, n]`; null: it is not. Overwrites A.
 *
 * A turned over on both axes is `L L^T`; `inverse(L)` turned back is U. That saves the inverse of A, which would cost
 * as much again and its digits.
 */
export function inverseFactor(a: Float64Array, n: number): Float64Array | null {
  a.reverse();
  return factor(a, n) ? invertLower(a, n).reverse() : null;
}

/** Cholesky: the lower half becomes L. False: A is not positive definite. */
function factor(a: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const other = j * n;
      let sum = a[row + j]!;
      for (let k = 0; k < j; k++) sum -= a[row + k]! * a[other + k]!;
      if (j < i) a[row + j] = sum / a[other + j]!;
      else if (sum > 0) a[row + i] = Math.sqrt(sum);
      else return false;
    }
  }
  return true;
}

/** Of a lower triangle, in its place; the upper half becomes 0. */
function invertLower(l: Float64Array, n: number): Float64Array {
  const sums = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    sums.fill(0, 0, i);
    for (let k = 0; k < i; k++) {
      const factorOfRow = l[row + k]!;
      const other = k * n;
      if (factorOfRow !== 0) for (let j = 0; j <= k; j++) sums[j]! += factorOfRow * l[other + j]!;
    }
    const diagonal = l[row + i]!;
    for (let j = 0; j < i; j++) l[row + j] = -sums[j]! / diagonal;
    l[row + i] = 1 / diagonal;
    l.fill(0, row + i + 1, row + n);
  }
  return l;
}

/** `into[to + j] -= factor * from[at + j]` for `count` elements. */
export function subtractScaled(
  into: Float32Array,
  from: Float32Array,
  {
    to,
    at,
    count,
    factor: f,
  }: { readonly to: number; readonly at: number; readonly count: number; readonly factor: number },
): void {
  for (let j = 0; j < count; j++) into[to + j]! -= f * from[at + j]!;
}
