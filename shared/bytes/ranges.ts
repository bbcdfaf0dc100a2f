/** Many small ranges of one source in few reads: neighbours are read together, the rest a few at a time. */
import type { ByteSource } from './byte-source.ts';

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Reading a gap this long costs less than another request to an object store. */
const GAP = 32 * 1024;
/** No single read grows beyond this, however dense the ranges lie. */
const SPAN = 8 * 1024 * 1024;
const CONCURRENT = 16;

/** The bytes of every range, in the order of the ranges. */
export async function readRanges(source: ByteSource, ranges: readonly Range[]): Promise<Uint8Array[]> {
  const order = ranges.map((_, i) => i).sort((a, b) => ranges[a]!.start - ranges[b]!.start);
  const groups: { start: number; end: number; members: number[] }[] = [];
  for (const i of order) {
    const { start, end } = ranges[i]!;
    const last = groups.at(-1);
    if (last && start <= last.end + GAP && Math.max(end, last.end) - last.start <= SPAN) {
      last.end = Math.max(last.end, end);
      last.members.push(i);
    } else groups.push({ start, end, members: [i] });
  }
  const out = new Array<Uint8Array>(ranges.length);
  await inParallel(groups, async (group) => {
    const bytes = await source.slice(group.start, group.end).read();
    // Copied, so that a small record does not keep its neighbours in memory (a Buffer's own slice would not copy).
    for (const i of group.members)
      out[i] = new Uint8Array(bytes.subarray(ranges[i]!.start - group.start, ranges[i]!.end - group.start));
  });
  return out;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await work(items[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT, items.length) }, worker));
}
