/** Every call whose types are tested: against the types written here, and against what onnxruntime gives. */
import type { Builder } from '../../../shared/onnx/builder.ts';
import type { Value } from '../../../shared/onnx/ir.ts';
import { CONTENT, CONTROL } from './cases/control.ts';
import { ELEMENTWISE, REDUCTIONS } from './cases/elementwise.ts';
import { CONVOLUTIONS, IMAGES, MATRICES, NORMALIZATIONS, POOLINGS, RECURRENT, SIGNALS } from './cases/layers.ts';
import { CREATION, INDEXING, PARTS, SHAPES } from './cases/moving.ts';
import { CONTRIB, QUANTIZATION } from './cases/quantized.ts';

export interface InferenceCase {
  readonly name: string;
  readonly inputs: readonly string[];
  build(op: Builder, x: readonly Value[]): Value | readonly Value[];
  readonly types: readonly (string | null)[];
  readonly norun: boolean;
}

const TABLES = [
  ELEMENTWISE,
  REDUCTIONS,
  SHAPES,
  PARTS,
  INDEXING,
  CREATION,
  MATRICES,
  CONVOLUTIONS,
  POOLINGS,
  NORMALIZATIONS,
  RECURRENT,
  IMAGES,
  SIGNALS,
  QUANTIZATION,
  CONTRIB,
  CONTROL,
  CONTENT,
];

export const INFERENCE_CASES: readonly InferenceCase[] = TABLES.flat().map(([name, inputs, build, types, norun]) => ({
  name,
  inputs,
  build: (op, x) => build(op, ...x),
  types,
  norun: norun !== undefined,
}));
