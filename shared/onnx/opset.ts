/** Opsets torchferry writes and understands, the IR version that goes with each, and the default. */

export const OLDEST_OPSET = 13;
/** The oldest that may be asked for: as Neural Compressor does, one below 13 is raised where INT8 is wanted. */
export const OLDEST_ASKED = 7;
/**
 * Before, Add broadcast by attributes, and Dropout and BatchNormalization trained by default: rules and inference leave
 * such models alone.
 */
export const OLDEST_UNDERSTOOD = 9;
/** The first whose QuantizeLinear and DequantizeLinear have blocks and 4 bits. */
export const FIRST_WITH_BLOCKS = 21;
/** The newest that onnxruntime 1.30 loads. */
export const NEWEST_OPSET = 26;
/**
 * Loads in every onnxruntime since 1.18, has Gelu, GroupNormalization and 4-bit types, and its Q/DQ groups fuse in
 * onnxruntime 1.30.
 */
export const DEFAULT_OPSET = 21;

/** From the ONNX release table: the IR version of the first release that carries the opset. */
const IR_VERSIONS: readonly (readonly [fromOpset: number, irVersion: number])[] = [
  [13, 7],
  [15, 8],
  [19, 9],
  [21, 10],
  [23, 11],
  [24, 12],
  [25, 13],
];

export function irVersionOf(opset: number): number {
  return IR_VERSIONS.findLast(([from]) => opset >= from)?.[1] ?? 7;
}

/** The opset of an INT8 model: 13 where an older one was asked for, because one scale for each channel exists since. */
export function opsetForInt8(asked: number | undefined): { opset: number | undefined; warnings: string[] } {
  const isOld = asked !== undefined && asked < OLDEST_OPSET;
  return { opset: isOld ? OLDEST_OPSET : asked, warnings: isOld ? [opsetRaised(`opset_version ${asked}`)] : [] };
}

export const opsetRaised = (what: string): string =>
  `INT8 models need opset ${OLDEST_OPSET} or newer: ${what} was raised to ${OLDEST_OPSET}`;
