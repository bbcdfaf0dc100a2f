/**
 * Small reads share blocks: a model has hundreds of small weights, and a request for each would cost more than the
 * bytes.
 */

export type ReadRange = (start: number, end: number) => Promise<Uint8Array>;

export interface BlockCacheOptions {
  readonly size: number;
  readonly blockBytes: number;
  readonly blocks: number;
}

/** The same reads through the least number of requests; reads of a block or more go straight to `read`. */
export function throughBlocks(read: ReadRange, { size, blockBytes, blocks }: BlockCacheOptions): ReadRange {
  // In order of last use: a Map remembers the order of insertion.
  const cached = new Map<number, Promise<Uint8Array>>();

  const block = (index: number): Promise<Uint8Array> => {
    const bytes = cached.get(index) ?? read(index * blockBytes, Math.min((index + 1) * blockBytes, size));
    cached.delete(index);
    cached.set(index, bytes);
    // A failed read is not kept: the next one may go well.
    bytes.catch(() => cached.get(index) === bytes && cached.delete(index));
    const [oldest] = cached.keys();
    if (cached.size > blocks && oldest !== undefined) cached.delete(oldest);
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
