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
    let j = 0;
    for (; j + 4 <= i; j += 4) fourColumns(a, { row, n, j });
    for (; j <= i; j++) {
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

/** Columns j to j + 3 of a row: what lies before them is read once for all four. */
function fourColumns(
  a: Float64Array,
  { row, n, j }: { readonly row: number; readonly n: number; readonly j: number },
): void {
  const p = j * n;
  const [q, r, s] = [p + n, p + 2 * n, p + 3 * n];
  const at = row + j;
  let [w, x, y, z] = [a[at]!, a[at + 1]!, a[at + 2]!, a[at + 3]!];
  for (let k = 0; k < j; k++) {
    const v = a[row + k]!;
    w -= v * a[p + k]!;
    x -= v * a[q + k]!;
    y -= v * a[r + k]!;
    z -= v * a[s + k]!;
  }
  w /= a[p + j]!;
  x = (x - w * a[q + j]!) / a[q + j + 1]!;
  y = (y - w * a[r + j]! - x * a[r + j + 1]!) / a[r + j + 2]!;
  z = (z - w * a[s + j]! - x * a[s + j + 1]! - y * a[s + j + 2]!) / a[s + j + 3]!;
  a[at] = w;
  a[at + 1] = x;
  a[at + 2] = y;
  a[at + 3] = z;
}

interface FourRows {
  /** Where their factors are, and where the first of them begins. */
  readonly row: number;
  readonly other: number;
  /** Length of a row. */
  readonly n: number;
  /** Column of the last diagonal: what lies beyond a diagonal is 0. */
  readonly last: number;
}

/** A sum is read and written once for four rows. */
function addRows(sums: Float64Array, l: Float64Array, { row, other, n, last }: FourRows): void {
  const [f0, f1, f2, f3] = [l[row]!, l[row + 1]!, l[row + 2]!, l[row + 3]!];
  const [b, c, d] = [other + n, other + 2 * n, other + 3 * n];
  for (let j = 0; j <= last; j++) sums[j]! += f0 * l[other + j]! + f1 * l[b + j]! + (f2 * l[c + j]! + f3 * l[d + j]!);
}

/** Of a lower triangle, in its place; the upper half becomes 0. */
function invertLower(l: Float64Array, n: number): Float64Array {
  const sums = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    sums.fill(0, 0, i);
    let k = 0;
    for (; k + 4 <= i; k += 4) addRows(sums, l, { row: row + k, other: k * n, n, last: k + 3 });
    for (; k < i; k++) {
      const [f, other] = [l[row + k]!, k * n];
      for (let j = 0; j <= k; j++) sums[j]! += f * l[other + j]!;
    }
    const diagonal = l[row + i]!;
    for (let j = 0; j < i; j++) l[row + j] = -sums[j]! / diagonal;
    l[row + i] = 1 / diagonal;
    l.fill(0, row + i + 1, row + n);
  }
  return l;
}

/** A row of a matrix and the rows that are taken from it, each `count` long. */
export interface Subtraction {
  /** Where the row begins in `into`. */
  readonly to: number;
  readonly count: number;
  /** Of each row of `from`, which stand one after the other. */
  readonly factors: Float64Array;
}

/** `into[to + j] -= sum over r of factors[r] * from[r * count + j]`, four rows at once. */
export function subtractRows(into: Float32Array, from: Float32Array, { to, count, factors }: Subtraction): void {
  const rows = factors.length;
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    const [f0, f1, f2, f3] = [factors[r]!, factors[r + 1]!, factors[r + 2]!, factors[r + 3]!];
    const [a, b, c, d] = [r * count, (r + 1) * count, (r + 2) * count, (r + 3) * count];
    for (let j = 0; j < count; j++)
      into[to + j]! -= f0 * from[a + j]! + f1 * from[b + j]! + (f2 * from[c + j]! + f3 * from[d + j]!);
  }
  for (; r < rows; r++) {
    const [f, at] = [factors[r]!, r * count];
    for (let j = 0; j < count; j++) into[to + j]! -= f * from[at + j]!;
  }
}
