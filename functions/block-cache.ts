/**
 * Small reads share blocks: a model has hundreds of small weights, and a request for each would cost more than the
 * bytes. Who reads on where it read before is read ahead of, twice as far each time; a read that stands alone, such as
 * that of a record's header, fetches little more than itself.
 */

export type ReadRange = (start: number, end: number) => Promise<Uint8Array>;

export interface BlockCacheOptions {
  /** Bytes of the whole. */
  readonly size: number;
  readonly blockBytes: number;
  /** How many blocks are kept. */
  readonly blocks: number;
  /** Reads of so much and more go straight to `read`; reading ahead goes no further. */
  readonly straightFrom: number;
}

/** The same reads through few requests for few bytes. */
export function throughBlocks(read: ReadRange, options: BlockCacheOptions): ReadRange {
  const { size, blockBytes, blocks, straightFrom } = options;
  // In order of last use: a Map remembers the order of insertion.
  const kept = new Map<number, Promise<Uint8Array>>();
  const count = Math.ceil(size / blockBytes);
  const furthest = Math.floor(straightFrom / blockBytes);
  let ahead = 1;

  /** Fetch the blocks that are not there, from `first` on, up to `last` or as far as is read ahead. */
  const fetch = (first: number, last: number): void => {
    ahead = kept.has(first - 1) ? Math.min(2 * ahead, furthest) : 1;
    let end = first + 1;
    while (end < count && end < Math.max(last + 1, first + ahead) && !kept.has(end)) end++;
    const run = read(first * blockBytes, Math.min(end * blockBytes, size));
    for (let index = first; index < end; index++) {
      const start = (index - first) * blockBytes;
      // A copy, so that one block does not keep all of them in memory.
      const block = run.then((bytes) => bytes.slice(start, start + blockBytes));
      kept.set(index, block);
      // A failed read is not kept: the next one may go well.
      block.catch(() => kept.get(index) === block && kept.delete(index));
    }
  };

  const blockOf = (index: number, last: number): Promise<Uint8Array> => {
    if (!kept.has(index)) fetch(index, last);
    const block = kept.get(index)!;
    kept.delete(index);
    kept.set(index, block);
    return block;
  };

  return async (start, end) => {
    if (end - start >= straightFrom) return read(start, end);
    const first = Math.floor(start / blockBytes);
    const last = Math.floor((end - 1) / blockBytes);
    const parts = Array.from({ length: last - first + 1 }, (_, i) => blockOf(first + i, last));
    for (const [oldest] of kept) {
      if (kept.size <= blocks) break;
      kept.delete(oldest);
    }
    const bytes = new Uint8Array(end - start);
    for (const [i, part] of (await Promise.all(parts)).entries()) {
      const at = (first + i) * blockBytes - start;
      bytes.set(part.subarray(Math.max(-at, 0), end - start - at), Math.max(at, 0));
    }
    return bytes;
  };
}
