/**
 * Half-quadratic quantization (Badri and Shaji, "Half-Quadratic Quantization of Large Machine Learning Models", 2023),
 * which needs no calibration. It minimizes `sum |W - W_r|^p`, p = 0.7, where `W_r = s (q - z)`, by turns:
 *
 *     e = shrink(W - W_r),  shrink(x) = sign(x) max(|x| - |x|^(p - 1) / beta, 0)
 *     z = mean(q - (W - e) / s),  q = round(W / s + z),  beta grows by 1 % a turn
 *
 * Errors are measured in steps of the block, so that the size of the weights does not matter. Zero points are whole, as
 * kernels want them, so the scale takes part: the least squares of `W - e` over `q - z`. Without a zero point it is all
 * that moves.
 */
import { gatherBlock, paramsOfBlocks, codesOfBlocks, blocksIn, type BlockCodes } from '../../tensor/blocks.ts';
import { roundHalfEven } from '../../tensor/arithmetic.ts';
import type { Algorithm } from './algorithm.ts';

const NORM = 0.7;
const FIRST_BETA = 10;
const KAPPA = 1.01;
const TURNS = 20;

export const hqq: Algorithm = {
  blockByBlock: true,
  fit({ values, layout, codes }) {
    const params = paramsOfBlocks(values, layout, codes);
    const blocks = blocksIn(layout);
    const block = new Float64Array(layout.size);
    for (let b = 0; b < blocks; b++) {
      for (let c = 0; c < layout.n; c++) {
        const at = c * blocks + b;
        const w = gatherBlock(block, values, { layout, column: c, block: b });
        const found = settle(w, { scale: params.scale[at]!, zeroPoint: params.zeroPoint[at]! }, codes);
        params.scale[at] = Math.fround(found.scale);
        params.zeroPoint[at] = found.zeroPoint;
      }
    }
    return { ...params, codes: codesOfBlocks(values, layout, { ...params, high: codes.high }) };
  },
};

interface BlockParam {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** From the range of the block to what has the smallest error on the way; it stops when the error grows. */
function settle(w: Float64Array, first: BlockParam, { high, symmetric }: BlockCodes): BlockParam {
  let { scale: s, zeroPoint: z } = first;
  let best = first;
  let smallest = Infinity;
  let beta = FIRST_BETA;
  for (let turn = 0; turn < TURNS; turn++, beta *= KAPPA) {
    // Sums over the block of codes q and of t = (W - e) / s, from which zero point and scale follow.
    let [error, sumQ, sumQQ, sumT, sumTQ] = [0, 0, 0, 0, 0];
    for (let i = 0; i < w.length; i++) {
      const x = w[i]! / s;
      const unclamped = roundHalfEven(x + z);
      const q = unclamped < 0 ? 0 : unclamped > high ? high : unclamped;
      const r = x - (q - z);
      const size = r < 0 ? -r : r;
      const root = size < 1 ? POWERS[Math.trunc(size * POWERS.length)]! : size ** (NORM - 1);
      error += size * root;
      const rest = size - root / beta;
      const t = rest <= 0 ? x : r < 0 ? x + rest : x - rest;
      sumQ += q;
      sumQQ += q * q;
      sumT += t;
      sumTQ += t * q;
    }
    error *= s ** NORM;
    if (error >= smallest) break;
    [smallest, best] = [error, { scale: s, zeroPoint: z }];
    if (!symmetric) z = Math.min(high, Math.max(0, roundHalfEven((sumQ - sumT) / w.length)));
    const square = sumQQ - 2 * z * sumQ + z * z * w.length;
    const ratio = square === 0 ? 0 : (sumTQ - z * sumT) / square;
    if (!(ratio > 0)) break;
    s *= ratio;
  }
  return best;
}

/** `|x|^(p - 1)` of errors below one step: a logarithm for every weight and turn would be most of the time. */
const POWERS = Float64Array.from({ length: 4096 }, (_, i) => ((i + 0.5) / 4096) ** (NORM - 1));
