/** Dimensions nobody knows before the model runs: symbols with a reserved name, replaced by what PyTorch recorded. */
import { type Dim, dimText, isStatic, symbol } from '../tensor/dim.ts';

const PREFIX = '_unknown';

export const unknownDim = (serial: number): Dim => symbol(`${PREFIX}${serial}`);
export const isUnknownDim = (dim: Dim): boolean => !isStatic(dim) && dimText(dim).includes(PREFIX);
