/** What blocks of codes came to, in words. */
import { formatNumber } from './format.ts';
import type { BlockedWeightFacts } from './quantization.ts';

const FLOAT_BITS = 32;

/** `4.56 bits a weight, 7.02x smaller than float32 (4 bits, blocks of 64, asymmetric, RTN)`. */
export function blocksText({ bits, blockSize, symmetric, algorithm, elements, bytes }: BlockedWeightFacts): string {
  const each = (bytes * 8) / elements;
  return (
    `${formatNumber(each)} bits a weight, ${formatNumber(FLOAT_BITS / each)}x smaller than float32 ` +
    `(${bits} bits, blocks of ${blockSize}, ${symmetric ? 'symmetric' : 'asymmetric'}, ${algorithm})`
  );
}
