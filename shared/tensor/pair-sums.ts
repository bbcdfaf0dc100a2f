/** Sums of two products, as x64 processors without VNNI add them in 16 bits. Plain loops, no closure per element. */

/**
 * A tensor of factors seen as sums of products: `outer` blocks of `length` factors, each factor once for every one of
 * `inner` sums. A kernel adds the products of a sum in `order` (places in the block); null: as they lie.
 */
export interface SumLayout {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  readonly order: Int32Array | null;
}

/** Largest `|a + b|` of each sum, where a and b are factors 0 and 1, 2 and 3, ... of its order. */
export function worstPairsOf(values: Float32Array, { outer, length, inner, order }: SumLayout): Float32Array {
  const worst = new Float32Array(outer * inner);
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k + 1 < length; k += 2) {
      const first = (o * length + (order ? order[k]! : k)) * inner;
      const second = (o * length + (order ? order[k + 1]! : k + 1)) * inner;
      for (let n = 0, at = o * inner; n < inner; n++, at++) {
        const sum = Math.abs(values[first + n]! + values[second + n]!);
        if (sum > worst[at]!) worst[at] = sum;
      }
    }
  }
  return worst;
}

/** How many pairs of codes, of the same places, have `|a + b| > limit`. */
export function pairsBeyond(codes: Int8Array, { outer, length, inner, order }: SumLayout, limit: number): number {
  let beyond = 0;
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k + 1 < length; k += 2) {
      const first = (o * length + (order ? order[k]! : k)) * inner;
      const second = (o * length + (order ? order[k + 1]! : k + 1)) * inner;
      for (let n = 0; n < inner; n++) if (Math.abs(codes[first + n]! + codes[second + n]!) > limit) beyond++;
    }
  }
  return beyond;
}
