/** Half precision to float32 and back: values by the definitions of the two formats. */
import { expect, test } from 'vitest';
import { asFloats, bytesOf, float32ToBfloat16, float32ToFloat16 } from '../../shared/tensor/arithmetic.ts';

const words = (bytes: Uint8Array): number[] => [
  ...new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2),
];
const NUMBERS = [1, -2, 0.5, 65504, Infinity, -Infinity];

test('float16', () => {
  expect(words(float32ToFloat16(Float32Array.of(...NUMBERS, 65520)))).toEqual([
    0x3c00, 0xc000, 0x3800, 0x7bff, 0x7c00, 0xfc00, 0x7c00,
  ]);
  expect([...asFloats('float16', bytesOf(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00)))]).toEqual([
    1,
    -2,
    2 ** -24,
    Infinity,
  ]);
});

test('bfloat16 rounds to nearest even', () => {
  const between = [1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20];
  expect(words(float32ToBfloat16(Float32Array.of(1, -2, ...between, Infinity)))).toEqual([
    0x3f80, 0xc000, 0x3f80, 0x3f82, 0x3f81, 0x7f80,
  ]);
  expect(asFloats('bfloat16', float32ToBfloat16(Float32Array.of(NaN)))[0]).toBeNaN();
  expect([...asFloats('bfloat16', bytesOf(Uint16Array.of(0x3f80, 0xc000, 0x3f81)))]).toEqual([1, -2, 1 + 2 ** -7]);
});

test('bytes that do not begin at a multiple of the element size are copied, also from a Buffer', () => {
  const shifted = Buffer.concat([Buffer.of(0), Buffer.from(Float32Array.of(1.5, -3).buffer)]).subarray(1);
  expect([...asFloats('float32', shifted)]).toEqual([1.5, -3]);
});
