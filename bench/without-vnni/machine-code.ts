/** onnxruntime's library with its checks for AVX-512 and AVX-VNNI switched off in machine code: AVX2's kernels remain. */

interface Check {
  readonly title: string;
  /** Of the instructions, as one regular expression over bytes (latin1). */
  readonly code: RegExp;
  /** Which byte of them is set to what, so that the check fails on every processor. */
  readonly at: number;
  readonly value: number;
}

/** `test $0x10, %al; je` closely before `test $0x10000, %r10d; je`: leaf 7 of CPUID, as MLAS chooses its kernels. */
const AVX_512: Check = { title: 'AVX-512', code: /\x41\xf7\xc2\x00\x00\x01\x00\x74/gs, at: 5, value: 0 };
const AVX_VNNI: Check = { title: 'AVX-VNNI', code: /\xa8\x10\x74\x38/gs, at: 1, value: 0 };
/** How far the second may lie before the first. */
const CLOSE = 256;

/** Throws where the library does not have each check exactly once, as another release may not. */
export function withoutVnniChecks(library: Buffer): Buffer {
  const changed = Buffer.from(library);
  const text = library.toString('latin1');
  const place = (check: Check, near?: number): number => {
    const found = [...text.matchAll(check.code)].map(({ index }) => index);
    const close = near === undefined ? found : found.filter((at) => at < near && near - at < CLOSE);
    if (close.length !== 1) throw new Error(`${close.length} checks for ${check.title} in onnxruntime, not one`);
    changed[close[0]! + check.at] = check.value;
    return close[0]!;
  };
  place(AVX_VNNI, place(AVX_512));
  return changed;
}
