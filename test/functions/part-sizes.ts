/** Sizes of the parts of an upload that a plan is. */
import { bytesOf, type PlannedParts } from '../../functions/upload-parts.ts';

export const partSizes = (part: PlannedParts): number[] =>
  part.kind !== 'upload'
    ? [bytesOf(part)]
    : Array.from({ length: Math.ceil(part.bytes / part.partBytes) }, (_, i) =>
        Math.min(part.partBytes, part.bytes - i * part.partBytes),
      );
