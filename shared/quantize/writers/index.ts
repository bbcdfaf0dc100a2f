/** How plans are written. */
import type { QuantFormat } from '../../choices.ts';
import { writeDynamic } from './dynamic.ts';
import { writeQdq } from './qdq.ts';
import { writeQOperators } from './qoperator.ts';
import type { Writer } from './writer.ts';

export const WRITERS = {
  QDQ: writeQdq,
  QLinear: writeQOperators,
  dynamic: writeDynamic,
} as const satisfies Record<QuantFormat | 'dynamic', Writer>;
