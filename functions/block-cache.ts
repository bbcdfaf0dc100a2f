/**
 * Small reads share blocks: a model has hundreds of small weights, and a request for each would cost more than the
 * bytes.
 */

export type ReadRange = (start: number, end: number) => Promise<Uint8Array>;

export interface Blocks {
  readonly blockBytes: number;
  readonly blocks: number;
}

export interface BlockCacheOptions {
  readonly size: number;
  /** The first reads: who only looks at a file fetches no more than a few of these. */
  readonly peek: Blocks;
  /** Once as many of those have been fetched as are kept, somebody reads the file. */
  readonly bulk: Blocks;
}

/** The same reads through the least number of requests; reads of a block or more go straight to `read`. */
export function throughBlocks(read: ReadRange, { size, peek, bulk }: BlockCacheOptions): ReadRange {
  let fetched = 0;
  const counted: ReadRange = (start, end) => {
    fetched++;
    return read(start, end);
  };
  const peeking = cached(counted, size, peek);
  const reading = cached(read, size, bulk);
  return (start, end) => (fetched < peek.blocks ? peeking : reading)(start, end);
}

function cached(read: ReadRange, size: number, { blockBytes, blocks }: Blocks): ReadRange {
  // In order of last use: a Map remembers the order of insertion.
  const kept = new Map<number, Promise<Uint8Array>>();

  const block = (index: number): Promise<Uint8Array> => {
    const bytes = kept.get(index) ?? read(index * blockBytes, Math.min((index + 1) * blockBytes, size));
    kept.delete(index);
    kept.set(index, bytes);
    // A failed read is not kept: the next one may go well.
    bytes.catch(() => kept.get(index) === bytes && kept.delete(index));
    const [oldest] = kept.keys();
    if (kept.size > blocks && oldest !== undefined) kept.delete(oldest);
    return bytes;
  };

  return async (start, end) => {
    if (end - start >= blockBytes) return read(start, end);
    const first = Math.floor(start / blockBytes);
    const last = Math.floor((end - 1) / blockBytes);
    const base = first * blockBytes;
    const head = await block(first);
    // A copy, so that a small weight does not keep a whole block in memory.
    if (first === last) return head.slice(start - base, end - base);
    const tail = await block(last);
    const bytes = new Uint8Array(end - start);
    const joint = head.byteLength - (start - base);
    bytes.set(head.subarray(start - base));
    bytes.set(tail.subarray(0, bytes.byteLength - joint), joint);
    return bytes;
  };
}
