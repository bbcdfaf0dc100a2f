/** Limits for files that others wrote, far above every real model. */
export const LIMITS = {
  /** Nesting of messages; a graph inside a graph takes three. */
  depth: 100,
  /** Bytes that are not weights and so are held in memory. */
  decodedBytes: 512 << 20,
  /** Fields, which cost more memory than their bytes. */
  fields: 10_000_000,
  /** Ten times what the longest unrolled model has; a million took 22 s and 1.9 GB. */
  nodes: 200_000,
  rank: 64,
} as const;

/** Larger `data` fields stay in the file until they are read. */
export const LAZY_FROM = 1024;
/** Messages up to this size are decoded in memory at once; larger ones are walked field by field. */
export const WINDOW = 256 << 10;
