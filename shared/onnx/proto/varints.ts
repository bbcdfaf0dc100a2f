/** Packed varints (int32_data, int64_data, uint64_data) to the little-endian bytes of raw_data. */

/** `bits` per element as ONNX stores them: 4-bit types have two elements in one varint, as in raw_data. */
export function unpackVarints(bytes: Uint8Array, size: number, bits: number): Uint8Array {
  const width = Math.max(1, bits / 8);
  const out = new Uint8Array(size);
  let at = 0;
  let i = 0;
  while (i < bytes.length) {
    if (at + width > size) throw new Error(`it has more than ${size / width} numbers`);
    let low = 0;
    let high = 0;
    let shift = 0;
    for (let more = true; more; shift += 7) {
      if (i >= bytes.length) throw new Error('it ends inside a number');
      if (shift > 63) throw new Error('a number has more than 64 bits');
      const byte = bytes[i++]!;
      more = byte >= 128;
      const part = byte & 127;
      if (shift < 32) low |= part << shift;
      if (shift > 28) high |= part << (shift - 32);
      else if (shift === 28) high |= part >>> 4;
    }
    for (let b = 0; b < width; b++) out[at++] = b < 4 ? low >>> (8 * b) : high >>> (8 * (b - 4));
  }
  if (at !== size) throw new Error(`it has ${at / width} numbers, the dimensions take ${size / width}`);
  return out;
}
