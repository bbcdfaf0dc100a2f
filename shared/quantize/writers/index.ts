/** How plans are written. */
import type { QuantFormat } from '../../choices.ts';
import { writeBlockedQdq } from './blocked-qdq.ts';
import { writeDynamic } from './dynamic.ts';
import { writeNBits } from './n-bits.ts';
import { writeQdq } from './qdq.ts';
import { writeQOperators } from './qoperator.ts';
import type { Writer } from './writer.ts';

export const WRITERS = {
  QDQ: writeQdq,
  QLinear: writeQOperators,
  dynamic: writeDynamic,
} as const satisfies Record<QuantFormat | 'dynamic', Writer>;

/** Of plans whose weights are in blocks. */
export const BLOCK_WRITERS = {
  QDQ: writeBlockedQdq,
  QLinear: writeNBits,
} as const satisfies Record<QuantFormat, Writer>;
