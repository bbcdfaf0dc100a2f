/**
 * GPTQ (Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers", 2022): the
 * rows of W, one for each input, are rounded one after the other, and what is lost is made up for by those that follow,
 * as far as inputs go together. With `H = X^T X` over calibration data and `inverse(H) = U^T U`:
 *
 *     e_k = (w_k - round(w_k)) / U_kk,  w_j -= U_kj e_k  for j > k
 *
 * A hundredth of H's mean diagonal is added to it. Each block takes its scale from its range when its turn comes. Rows
 * are made up for at once within 128 of them, and after that in one go, which is the same sum and stays in the cache.
 */
import { type BlockLayout, type Blocks, blocksIn, codesOfBlocks, paramsOfBlocks } from '../../tensor/blocks.ts';
import { inverseFactor, subtractRows } from '../../tensor/cholesky.ts';
import type { Algorithm, Fitting } from './algorithm.ts';
import { rtn } from './rtn.ts';

const DAMPING = 0.01;
const ROWS_AT_ONCE = 128;

export const gptq: Algorithm = {
  blockByBlock: false,
  /** Where no activations were seen, as of tables, it is rounded to nearest. */
  fit(fitting) {
    const { hessian, layout } = fitting;
    const u = hessian && inverseFactor(damped(hessian, layout.k), layout.k);
    return u ? withFactor(fitting, u) : rtn.fit(fitting);
  },
};

/** Inputs that are 0 in all of the data get a diagonal: they go together with nothing. */
function damped(hessian: Float64Array, k: number): Float64Array {
  const h = Float64Array.from(hessian);
  let trace = 0;
  for (let i = 0; i < k; i++) trace += h[i * k + i]!;
  const damp = (DAMPING * trace) / k;
  for (let i = 0; i < k; i++) h[i * k + i] = h[i * k + i] === 0 ? 1 : h[i * k + i]! + damp;
  return h;
}

function withFactor({ values, layout, codes: { high, symmetric } }: Fitting, u: Float64Array): Blocks {
  const { k, n, size } = layout;
  const blocks = blocksIn(layout);
  const w = rowsOf(values, layout);
  const result: Blocks = {
    codes: new Uint8Array(n * k),
    scale: new Float64Array(n * blocks),
    zeroPoint: new Uint8Array(n * blocks),
  };
  const errors = new Float32Array(ROWS_AT_ONCE * n);
  for (let begin = 0; begin < k; begin += ROWS_AT_ONCE) {
    const end = Math.min(k, begin + ROWS_AT_ONCE);
    for (let row = begin; row < end; row++) {
      if (row % size === 0) setParams(result, w, { layout, block: row / size, high, symmetric });
      roundRow(result, w, { layout, row, high, diagonal: u[row * k + row]!, errors, at: (row - begin) * n });
      const lost = errors.subarray((row - begin) * n, (row - begin + 1) * n);
      for (let next = row + 1; next < end; next++)
        subtractRows(w, lost, { to: next * n, count: n, factors: u.subarray(row * k + next, row * k + next + 1) });
    }
    const factors = new Float64Array(end - begin);
    for (let next = end; next < k; next++) {
      for (let row = begin; row < end; row++) factors[row - begin] = u[row * k + next]!;
      subtractRows(w, errors, { to: next * n, count: n, factors });
    }
  }
  return result;
}

/** As `[K, N]`, to be changed. */
function rowsOf(values: Float32Array, { k, n, strideK, strideN }: BlockLayout): Float32Array {
  const rows = new Float32Array(k * n);
  for (let i = 0; i < k; i++) for (let c = 0; c < n; c++) rows[i * n + c] = values[i * strideK + c * strideN]!;
  return rows;
}

/** Scales as the file has them, so that errors are those of the file. */
function setParams(
  { scale, zeroPoint }: Blocks,
  w: Float32Array,
  at: { readonly layout: BlockLayout; readonly block: number; readonly high: number; readonly symmetric: boolean },
): void {
  const { n, k, size } = at.layout;
  const blocks = blocksIn(at.layout);
  const count = Math.min(size, k - at.block * size);
  const rows = w.subarray(at.block * size * n, (at.block * size + count) * n);
  const params = paramsOfBlocks(rows, { k: count, n, strideK: n, strideN: 1, size }, at);
  for (let c = 0; c < n; c++) {
    scale[c * blocks + at.block] = Math.fround(params.scale[c]!);
    zeroPoint[c * blocks + at.block] = params.zeroPoint[c]!;
  }
}

interface Row {
  readonly layout: BlockLayout;
  readonly row: number;
  readonly high: number;
  /** Of U. */
  readonly diagonal: number;
  /** What is lost, over the diagonal. */
  readonly errors: Float32Array;
  /** Where the row begins among them. */
  readonly at: number;
}

function roundRow({ codes, scale, zeroPoint }: Blocks, w: Float32Array, row: Row): void {
  const { layout, high, diagonal, errors, at } = row;
  const { n, k, size } = layout;
  const blocks = blocksIn(layout);
  const block = Math.floor(row.row / size);
  const one = { k: 1, n, strideK: n, strideN: 1, size };
  const params = { scale: new Float64Array(n), zeroPoint: new Uint8Array(n), high };
  for (let c = 0; c < n; c++) {
    params.scale[c] = scale[c * blocks + block]!;
    params.zeroPoint[c] = zeroPoint[c * blocks + block]!;
  }
  const values = w.subarray(row.row * n, (row.row + 1) * n);
  const rounded = codesOfBlocks(values, one, params);
  for (let c = 0; c < n; c++) {
    codes[c * k + row.row] = rounded[c]!;
    errors[at + c] = (values[c]! - params.scale[c]! * (rounded[c]! - params.zeroPoint[c]!)) / diagonal;
  }
}
