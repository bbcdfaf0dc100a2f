/** How to write an operator for opsets that do not have its newest form. Callers always use the newest one. */
import { ACTIVATION_FORMS } from './activation.ts';
import { CUMPROD_FORMS } from './cumprod.ts';
import { EXACT_FORMS } from './exact.ts';
import type { Form, Forms } from './form.ts';
import { GRID_FORMS } from './grid.ts';
import { IMAGE_FORMS } from './image.ts';
import { KERNEL_FORMS } from './kernel.ts';
import { NARROW_FORMS } from './narrow.ts';
import { NORMALIZATION_FORMS } from './normalization.ts';
import { PIECE_FORMS } from './pieces.ts';
import { QUANTIZATION_FORMS } from './quantization.ts';
import { REDUCTION_FORMS } from './reduction.ts';
import { SHAPE_FORMS } from './shape.ts';
import { SIGNAL_FORMS } from './signal.ts';
import { TYPE_FORMS } from './type.ts';
import type { OnnxOp } from '../schema/index.ts';

const TABLES: readonly Forms[] = [
  // First: what an older form writes then has a type that the operator takes.
  NARROW_FORMS,
  ACTIVATION_FORMS,
  CUMPROD_FORMS,
  EXACT_FORMS,
  GRID_FORMS,
  IMAGE_FORMS,
  NORMALIZATION_FORMS,
  PIECE_FORMS,
  QUANTIZATION_FORMS,
  REDUCTION_FORMS,
  SHAPE_FORMS,
  SIGNAL_FORMS,
  TYPE_FORMS,
  // Last: what has no kernel in any opset is looked at after what is written differently in some.
  KERNEL_FORMS,
];

const NAMES = [...new Set(TABLES.flatMap((table) => Object.keys(table) as OnnxOp[]))];

export const FORMS: Readonly<Partial<Record<OnnxOp, readonly Form[]>>> = Object.fromEntries(
  NAMES.map((name) => [name, TABLES.flatMap((table) => table[name] ?? [])]),
);
