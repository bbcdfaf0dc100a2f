/**
 * Weights that lie one after another in a source which can be copied without reading: placed with the gaps between them
 * they are one range, where weights apart would each need a copy of its own. Object stores copy no less than 5 MiB.
 */
import type { ByteSource } from '../../bytes/byte-source.ts';
import type { Value } from '../ir.ts';

/** A longer gap is not worth its bytes; between records of torch there are headers of less than 200. */
const GAP = 64 * 1024;
/** Below this a run gains nothing. */
const WORTH = 8 << 20;
/** As torch aligns records; what is not aligned in its source would not be in the file either. */
const ALIGNMENT = 64;

export const startOf = ({ data }: Value): number => data!.stored!.origin.start;
const endOf = (value: Value): number => startOf(value) + value.data!.byteLength;

export function sourceRuns(values: readonly Value[], copies: (root: ByteSource) => boolean): readonly Value[][] {
  const byRoot = new Map<ByteSource, Value[]>();
  for (const value of values) {
    const root = value.data!.stored?.origin.root;
    if (root && copies(root) && startOf(value) % ALIGNMENT === 0)
      byRoot.set(root, [...(byRoot.get(root) ?? []), value]);
  }
  return [...byRoot.values()].flatMap(neighbours).filter((run) => endOf(run.at(-1)!) - startOf(run[0]!) >= WORTH);
}

function neighbours(values: readonly Value[]): Value[][] {
  const runs: Value[][] = [];
  for (const value of values.toSorted((a, b) => startOf(a) - startOf(b))) {
    const last = runs.at(-1)?.at(-1);
    const gap = last ? startOf(value) - endOf(last) : -1;
    if (gap >= 0 && gap <= GAP) runs.at(-1)!.push(value);
    else runs.push([value]);
  }
  return runs;
}
