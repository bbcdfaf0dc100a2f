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
export function worstPairsOf(values: Float32Array, layout: SumLayout): Float32Array {
  return layout.inner === 1 ? worstOfBlocks(values, layout) : worstOfColumns(values, layout);
}

function worstOfBlocks(values: Float32Array, { outer, length, order }: SumLayout): Float32Array {
  const worst = new Float32Array(outer);
  for (let o = 0, start = 0; o < outer; o++, start += length)
    worst[o] = order ? worstInOrder(values, start, order) : worstAsTheyLie(values, start, start + length);
  return worst;
}

function worstAsTheyLie(values: Float32Array, start: number, end: number): number {
  let worst = 0;
  for (let k = start; k + 1 < end; k += 2) {
    const sum = Math.abs(values[k]! + values[k + 1]!);
    if (sum > worst) worst = sum;
  }
  return worst;
}

function worstInOrder(values: Float32Array, start: number, order: Int32Array): number {
  let worst = 0;
  for (let k = 0; k + 1 < order.length; k += 2) {
    const sum = Math.abs(values[start + order[k]!]! + values[start + order[k + 1]!]!);
    if (sum > worst) worst = sum;
  }
  return worst;
}

function worstOfColumns(values: Float32Array, { outer, length, inner, order }: SumLayout): Float32Array {
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
