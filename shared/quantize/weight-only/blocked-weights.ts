/** Scales, zero points and codes of blocked weights in the layouts of operators, computed when the file is written. */
import { bytesOf, transposeBytes } from '../../tensor/arithmetic.ts';
import {
  type BlockParams,
  blocksIn,
  type Blocks,
  flipSigns,
  packNibbles,
  padRows,
  transposeFloats,
  unpackNibbles,
} from '../../tensor/blocks.ts';
import { computedData, type TensorData } from '../../tensor/data.ts';
import { elementCount } from '../../tensor/type.ts';
import type { PlanOf, TensorPlan } from '../plan.ts';
import { fitBlocks, isStoredTurned, layoutOf } from './fit-blocks.ts';

type Weight = PlanOf<'blocked'>;

/** A weight as the inputs of an operator. */
export interface BlockedData {
  readonly codes: TensorData;
  readonly scale: TensorData;
  /** null: the middle code. */
  readonly zeroPoint: TensorData | null;
}

/**
 * Holds one weight at a time. Codes, scales and zero points of one are read one after the other as a rule; where a
 * writer sorts them by size, the weight is computed again.
 */
export class BlockedWeights {
  readonly #fitted: ReadonlyMap<TensorPlan, Fitted>;
  #last: { readonly weight: Weight; readonly blocks: Blocks } | null = null;

  constructor(fitted: ReadonlyMap<TensorPlan, Fitted>) {
    this.#fitted = fitted;
  }

  /** As the file has the matrix: codes in its shape, and the shape with blocks for elements along the axis. */
  asStored(weight: Weight, dtype = weight.dtype): BlockedData {
    const { data, spec } = weight;
    const layout = layoutOf(weight);
    const blocks = blocksIn(layout);
    const isTurned = isStoredTurned(weight);
    const shape = isTurned ? [blocks, layout.n] : [layout.n, blocks];
    const turned = (bytes: Uint8Array, columns: number): Uint8Array =>
      isTurned ? transposeBytes(bytes, layout.n, columns) : bytes;
    const pack = PACK[dtype as keyof typeof PACK];
    return {
      codes: computedData({ dtype, shape: data.shape }, async () =>
        pack(turned((await this.#blocksOf(weight)).codes, layout.k)),
      ),
      scale: computedData({ dtype: 'float32', shape }, async () => {
        const { scale } = await this.#blocksOf(weight);
        return bytesOf(isTurned ? transposeFloats(scale, layout.n, blocks) : Float32Array.from(scale));
      }),
      zeroPoint: spec.symmetric
        ? null
        : computedData({ dtype, shape }, async () => pack(turned((await this.#blocksOf(weight)).zeroPoint, blocks))),
    };
  }

  /** As GatherBlockQuantized reads it, which takes no int8 and whose middle code of uint8 is 128. */
  asTable(weight: Weight): BlockedData {
    return this.asStored(weight, weight.dtype === 'int8' ? 'uint8' : weight.dtype);
  }

  /** As MatMulNBits reads it: `[N, blocks, bytes of a block]`, `[N * blocks]`, `[N * bytes of a row]`. */
  asNBits(weight: Weight): BlockedData {
    const { bits, symmetric } = weight.spec;
    const layout = layoutOf(weight);
    const { k, n, size } = layout;
    const blocks = blocksIn(layout);
    const inBytes = (count: number): number => Math.ceil((count * bits) / 8);
    const pack = PACK[`uint${bits}`];
    return {
      codes: computedData({ dtype: 'uint8', shape: [n, blocks, inBytes(size)] }, async () => {
        const { codes, zeroPoint } = await this.#blocksOf(weight);
        const padded = padRows(
          codes,
          { length: k, padded: blocks * size },
          (row) => zeroPoint[(row + 1) * blocks - 1]!,
        );
        return pack(padded);
      }),
      scale: computedData({ dtype: 'float32', shape: [n * blocks] }, async () =>
        bytesOf(Float32Array.from((await this.#blocksOf(weight)).scale)),
      ),
      zeroPoint: symmetric
        ? null
        : computedData({ dtype: 'uint8', shape: [n * inBytes(blocks)] }, async () => {
            const { zeroPoint } = await this.#blocksOf(weight);
            return pack(padRows(zeroPoint, { length: blocks, padded: (inBytes(blocks) * 8) / bits }, () => 0));
          }),
    };
  }

  async #blocksOf(weight: Weight): Promise<Blocks> {
    if (this.#last?.weight === weight) return this.#last.blocks;
    this.#last = null;
    const known = this.#fitted.get(weight);
    const blocks = known ? unpacked(weight, known) : await fitBlocks(weight, null);
    this.#last = { weight, blocks };
    return blocks;
  }
}

/** Scales, zero points and codes that were found before the file is written. */
export interface Fitted extends BlockParams {
  /** Codes of four bits share a byte. */
  readonly packed: Uint8Array;
}

export async function fitWeight(weight: Weight, hessian: Float64Array | null): Promise<Fitted> {
  const { codes, scale, zeroPoint } = await fitBlocks(weight, hessian);
  return { packed: PACK[`uint${weight.spec.bits}`](codes), scale, zeroPoint };
}

function unpacked({ data, spec }: Weight, { packed, scale, zeroPoint }: Fitted): Blocks {
  const codes = spec.bits === 4 ? unpackNibbles(packed, elementCount(data.shape)) : packed;
  return { codes, scale, zeroPoint };
}

const PACK = {
  uint4: (codes: Uint8Array) => packNibbles(codes),
  int4: (codes: Uint8Array) => packNibbles(codes, 8),
  uint8: (codes: Uint8Array) => codes,
  int8: flipSigns,
} as const;
