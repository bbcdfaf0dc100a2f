/**
 * The ONNX operators torchferry writes or reads: one row each. This table drives the builder, the checker and type
 * inference.
 */
import { ACTIVATIONS } from './activation.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { CAST } from './cast.ts';
import { CONTROL } from './control.ts';
import { CONVOLUTIONS } from './convolution.ts';
import { CREATION } from './creation.ts';
import { IMAGE } from './image.ts';
import { INDEXING } from './indexing.ts';
import { LOGIC } from './logic.ts';
import { MATRIX } from './matrix.ts';
import { NORMALIZATION } from './normalization.ts';
import { PIECES } from './pieces.ts';
import { POOLINGS } from './pooling.ts';
import { QUANTIZATION } from './quantization.ts';
import { RECURRENT_OPS } from './recurrent.ts';
import { REDUCTION } from './reduction.ts';
import type { OpRow } from './row.ts';
import { SHAPE } from './shape.ts';
import { SIGNAL } from './signal.ts';
import { UNARY } from './unary.ts';

const ROWS = {
  ...UNARY,
  ...ACTIVATIONS,
  ...ARITHMETIC,
  ...LOGIC,
  ...CAST,
  ...SHAPE,
  ...PIECES,
  ...INDEXING,
  ...CREATION,
  ...REDUCTION,
  ...MATRIX,
  ...CONVOLUTIONS,
  ...POOLINGS,
  ...NORMALIZATION,
  ...RECURRENT_OPS,
  ...IMAGE,
  ...SIGNAL,
  ...QUANTIZATION,
  ...CONTROL,
} as const satisfies Record<string, OpRow>;

export type OnnxOp = keyof typeof ROWS;
export const OPS: Readonly<Record<OnnxOp, OpRow>> = ROWS;
