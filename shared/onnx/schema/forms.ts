/** How to write an operator for opsets that do not have its newest form. Callers always use the newest one. */
import { ACTIVATION_FORMS } from './forms/activation.ts';
import { CUMPROD_FORMS } from './forms/cumprod.ts';
import type { Form, Forms } from './forms/form.ts';
import { GRID_FORMS } from './forms/grid.ts';
import { IMAGE_FORMS } from './forms/image.ts';
import { KERNEL_FORMS } from './forms/kernel.ts';
import { NARROW_FORMS } from './forms/narrow.ts';
import { NORMALIZATION_FORMS } from './forms/normalization.ts';
import { PART_FORMS } from './forms/parts.ts';
import { QUANTIZATION_FORMS } from './forms/quantization.ts';
import { REDUCTION_FORMS } from './forms/reduction.ts';
import { SHAPE_FORMS } from './forms/shape.ts';
import { SIGNAL_FORMS } from './forms/signal.ts';
import { TYPE_FORMS } from './forms/type.ts';
import type { OnnxOp } from './index.ts';

const TABLES: readonly Forms[] = [
  // First: what an older form writes then has a type that the operator takes.
  NARROW_FORMS,
  ACTIVATION_FORMS,
  CUMPROD_FORMS,
  GRID_FORMS,
  IMAGE_FORMS,
  NORMALIZATION_FORMS,
  PART_FORMS,
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
