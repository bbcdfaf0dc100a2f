/** How many samples equal PyTorch's INT8, in words. */
import { formatCount, formatNumber, formatShare, formatShort } from './format.ts';
import type { EqualSamples } from './report.ts';

export const equalText = ({ samples, share, atol, maxAbsDiff }: EqualSamples): string =>
  `${formatShare(share)} of ${formatCount(samples)} samples equal PyTorch's INT8 within ${formatShort(atol)}, ` +
  `largest difference ${formatNumber(maxAbsDiff)}`;
