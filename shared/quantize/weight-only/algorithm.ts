/** What finds scales and codes of a matrix in blocks. */
import type { BlockCodes, BlockLayout, Blocks } from '../../tensor/blocks.ts';

export interface Fitting {
  readonly values: Float32Array;
  readonly layout: BlockLayout;
  readonly codes: BlockCodes;
  /** `X^T X` of what is multiplied by the matrix, `[K, K]`, over calibration data; null: nothing was seen. */
  readonly hessian?: Float64Array | null;
}

export interface Algorithm {
  /** Looks at nothing but the block: a matrix may be given to it in parts. */
  readonly blockByBlock: boolean;
  fit(fitting: Fitting): Blocks;
}
