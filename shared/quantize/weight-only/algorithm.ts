/** What finds scales and codes of a matrix in blocks. */
import type { BlockCodes, BlockLayout, Blocks } from '../../tensor/blocks.ts';

export interface Fitting {
  readonly values: Float32Array;
  readonly layout: BlockLayout;
  readonly codes: BlockCodes;
}

export interface Algorithm {
  fit(fitting: Fitting): Blocks;
}
