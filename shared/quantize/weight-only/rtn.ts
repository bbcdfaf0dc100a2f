/** Round to nearest: scales from the range of each block. */
import { codesOfBlocks, paramsOfBlocks } from '../../tensor/blocks.ts';
import type { Algorithm } from './algorithm.ts';

export const rtn: Algorithm = {
  blockByBlock: true,
  fit({ values, layout, codes }) {
    const params = paramsOfBlocks(values, layout, codes);
    return { ...params, codes: codesOfBlocks(values, layout, { ...params, high: codes.high }) };
  },
};
