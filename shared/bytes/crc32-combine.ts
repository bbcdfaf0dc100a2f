/** The CRC-32 of bytes from those of their parts. */

/** The polynomial of zip, its bits reversed. */
const POLYNOMIAL = 0xedb88320;

/** A matrix over two elements: where each of 32 bits goes. */
type Matrix = readonly number[];

function times(matrix: Matrix, vector: number): number {
  let sum = 0;
  for (let bit = 0, left = vector; left !== 0; bit++, left >>>= 1) if (left & 1) sum ^= matrix[bit]!;
  return sum >>> 0;
}

const squared = (matrix: Matrix): Matrix => matrix.map((column) => times(matrix, column));

/** What one bit of zero does to a checksum. */
const ZERO_BIT: Matrix = [POLYNOMIAL, ...Array.from({ length: 31 }, (_, bit) => 2 ** bit)];
const ZERO_BYTE = squared(squared(squared(ZERO_BIT)));

/**
 * The CRC-32 of `a` and `b` behind each other; `bytes` is the length of `b`. As zlib's crc32_combine: a CRC is linear,
 * and as many zeros as `b` is long are a matrix to the power of their number.
 */
export function combineCrc32(a: number, b: number, bytes: number): number {
  let crc = a;
  let zeros = ZERO_BYTE;
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) crc = times(zeros, crc);
    zeros = squared(zeros);
  }
  return (crc ^ b) >>> 0;
}
