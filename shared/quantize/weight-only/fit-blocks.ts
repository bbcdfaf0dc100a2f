/** Scales and codes of a matrix in blocks, which is read in parts where blocks do not look at each other. */
import { asFloat32 } from '../../tensor/arithmetic.ts';
import { type BlockLayout, type Blocks, blocksIn } from '../../tensor/blocks.ts';
import { piecesOf } from '../../tensor/data.ts';
import type { PlanOf } from '../plan.ts';
import { ALGORITHMS } from './algorithms.ts';

type Weight = PlanOf<'blocked'>;

/** Of a weight's float32 in memory at once: larger parts are not faster. */
const PART = 16 * 2 ** 20;

export async function fitBlocks(weight: Weight, hessian: Float64Array | null): Promise<Blocks> {
  const { data, spec } = weight;
  const { fit, blockByBlock } = ALGORITHMS[spec.algorithm];
  const [layout, isTurned] = [layoutOf(weight), isStoredTurned(weight)];
  const codes = { high: 2 ** spec.bits - 1, symmetric: spec.symmetric };
  if (!blockByBlock) return fit({ values: asFloat32(await data.read()), layout, codes, hessian });
  const whole: Blocks = {
    codes: new Uint8Array(layout.n * layout.k),
    scale: new Float64Array(layout.n * blocksIn(layout)),
    zeroPoint: new Uint8Array(layout.n * blocksIn(layout)),
  };
  let row = 0;
  const bytesOfRow = 4 * data.shape[1]!;
  for await (const bytes of piecesOf(data, bytesOfRow * rowsOfPart(bytesOfRow, layout.size))) {
    const rows = bytes.byteLength / bytesOfRow;
    const part = { ...layout, [isTurned ? 'k' : 'n']: rows };
    place(whole, fit({ values: asFloat32(bytes), layout: part, codes }), { isTurned, layout, part, row });
    row += rows;
  }
  return whole;
}

/** Whole blocks, whichever way they lie. */
const rowsOfPart = (bytesOfRow: number, size: number): number =>
  Math.max(1, Math.floor(PART / bytesOfRow / size)) * size;

interface Part {
  readonly isTurned: boolean;
  readonly layout: BlockLayout;
  readonly part: BlockLayout;
  /** Of the file's matrix: where the part begins. */
  readonly row: number;
}

function place(whole: Blocks, found: Blocks, { isTurned, layout, part, row }: Part): void {
  const [column, k] = isTurned ? [0, row] : [row, 0];
  const lengths = {
    codes: [part.k, layout.k, k],
    params: [blocksIn(part), blocksIn(layout), k / layout.size],
  } as const;
  const at = { column, columns: part.n };
  copyColumns(whole.codes, found.codes, { ...at, lengths: lengths.codes });
  copyColumns(whole.scale, found.scale, { ...at, lengths: lengths.params });
  copyColumns(whole.zeroPoint, found.zeroPoint, { ...at, lengths: lengths.params });
}

interface Columns {
  readonly column: number;
  readonly columns: number;
  /** Of a column of the part, of one of the whole, and where the part begins in it. */
  readonly lengths: readonly [part: number, whole: number, begin: number];
}

function copyColumns<T extends Uint8Array | Float64Array>(to: T, from: T, { column, columns, lengths }: Columns): void {
  const [part, whole, begin] = lengths;
  if (part === whole) return to.set(from, column * whole);
  for (let c = 0; c < columns; c++) to.set(from.subarray(c * part, (c + 1) * part), (column + c) * whole + begin);
}

/** `[K, N]` in the file: what a product sums lies along the first axis. */
export const isStoredTurned = ({ granularity }: Weight): boolean =>
  granularity.kind === 'block' && granularity.axis === 0;

export function layoutOf(weight: Weight): BlockLayout {
  const [rows, columns] = weight.data.shape as [number, number];
  const size = weight.spec.blockSize;
  return isStoredTurned(weight)
    ? { k: rows, n: columns, strideK: columns, strideN: 1, size }
    : { k: columns, n: rows, strideK: 1, strideN: columns, size };
}
