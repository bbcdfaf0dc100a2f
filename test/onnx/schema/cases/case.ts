/**
 * Calls of operators with the types their inputs have and the types their results must have, and what the tables of
 * them share.
 */
import type { Builder } from '../../../../shared/onnx/builder.ts';
import type { Value } from '../../../../shared/onnx/ir.ts';

/**
 * Name, types of the inputs (letters are symbolic sizes), the call, types of the results: `?` is a size nobody can know
 * before
 * the model runs, null a type that cannot be told. `norun`: onnxruntime has no kernel, or the inputs would need
 * meaningful values.
 */
export type Row = readonly [
  string,
  readonly string[],
  (op: Builder, ...x: Value[]) => Value | readonly Value[],
  readonly (string | null)[],
  'norun'?,
];

export const axis0 = { axis: 0 };
const INT64_MAX = 9223372036854775807n;
/** The largest and the smallest integer: how open ends of slices are written. */
export const open = (op: Builder): Value => op.tensor('int64', [1], [INT64_MAX]);
export const opposite = (op: Builder): Value => op.tensor('int64', [1], [-INT64_MAX - 1n]);

export const slice = (op: Builder, x: Value, start: number, end: Value | number, axis: number, step = 1): Value =>
  op.Slice([x, op.ints([start]), typeof end === 'number' ? op.ints([end]) : end, op.ints([axis]), op.ints([step])]);

/** int64[1] with the size of an axis. */
export const shape = (op: Builder, x: Value, at: number): Value => op.Gather([op.Shape([x]), op.ints([at])]);

/** One number per channel. */
export const channels = (op: Builder, value: number, count = 3): Value =>
  op.tensor('float32', [count], new Array<number>(count).fill(value));
