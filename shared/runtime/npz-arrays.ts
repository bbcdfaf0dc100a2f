/** Arrays of an .npz file matched to the inputs and outputs of a model, by name or by position. */
import { readVerified } from '../bytes/byte-source.ts';
import { fail } from '../errors.ts';
import type { TensorData } from '../tensor/data.ts';
import { isStatic } from '../tensor/dim.ts';
import { type Dtype, integerRange, isFloat, isInteger } from '../tensor/dtype.ts';
import type { NpyArray } from '../tensor/npz.ts';
import { decodeBigInts, decodeNumbers, encodeNumbers } from '../tensor/numbers.ts';
import { typeText } from '../tensor/type.ts';
import type { Declared } from './session.ts';

export type Arrays = ReadonlyMap<string, NpyArray>;
/** Which refusal a bad file is. */
export type BadData = 'BadCalibrationData' | 'BadReferenceData';

export interface ArrayMatch {
  readonly declared: Declared;
  readonly array: NpyArray;
}

interface MatchRequest {
  readonly file: string;
  readonly arrays: Arrays;
  readonly declared: readonly Declared[];
  /** Of names by position: `input` stands for `input_0`, `input_1`, ... */
  readonly stem: 'input' | 'output';
  readonly code: BadData;
}

/**
 * The arrays have the names of the inputs, be it those of the file or others they have in the program, or `input_0`,
 * `input_1`, ..., or, as numpy.savez names what has no name, `arr_0`, ...; a model of one input also takes `x`. Outputs
 * likewise.
 */
export function matchArrays({ file, arrays, declared, stem, code }: MatchRequest): ArrayMatch[] {
  const namings: readonly ((d: Declared, i: number) => string)[] = [
    (d) => [d.name, ...(d.aliases ?? [])].find((name) => arrays.has(name)) ?? d.name,
    (_, i) => `${stem}_${i}`,
    ...(stem === 'input'
      ? [(_: Declared, i: number) => `arr_${i}`, ...(declared.length === 1 ? [() => 'x'] : [])]
      : []),
  ];
  const naming = namings.find((nameOf) => declared.length > 0 && declared.every((d, i) => arrays.has(nameOf(d, i))));
  if (naming) return declared.map((d, i) => ({ declared: d, array: arrays.get(naming(d, i))! }));
  const wanted = declared.map((d) => `"${d.name}"`).join(', ');
  return fail(code, {
    file,
    problem: `it has the arrays ${[...arrays.keys()].map((name) => `"${name}"`).join(', ') || 'none'}`,
    expected: `${wanted}, or "${stem}_0" and so on`,
  });
}

const castable = (from: Dtype, to: Dtype): boolean =>
  from === to || (isFloat(from) && isFloat(to)) || (isInteger(from) && isInteger(to));

/**
 * Refuses arrays whose dtype or shape cannot be what the model takes. `lead`: axes of the array before those of the
 * tensor.
 */
export function requireFit(
  { declared, array }: ArrayMatch,
  { lead, file, code }: { readonly lead: number; readonly file: string; readonly code: BadData },
): void {
  const shape = array.shape.slice(lead);
  const { type } = declared;
  const fits =
    castable(array.dtype, type.dtype) &&
    shape.length === type.shape.length &&
    type.shape.every((dim, i) => !isStatic(dim) || (i === 0 && lead === 0) || dim === shape[i]);
  if (fits) return;
  const found = `${array.dtype}[${array.shape.join(',')}]`;
  fail(code, {
    file,
    problem: `the array for "${declared.name}" is ${found}`,
    expected: `${typeText(type)} with samples along the first axis`,
  });
}

interface Casting {
  readonly from: Dtype;
  readonly to: Dtype;
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly code: BadData;
}

/** Bytes of one dtype as another of the same kind; integers must fit. */
export function castBytes(name: string, { from, to, bytes, file, code }: Casting): Uint8Array {
  if (from === to) return bytes;
  if (isFloat(to)) return encodeNumbers(to, decodeNumbers(from, bytes));
  const values = decodeBigInts(from, bytes);
  const [low, high] = integerRange(to);
  const outside = values.find((v) => v < low || v > high);
  if (outside !== undefined)
    fail(code, { file, problem: `the array for "${name}" holds ${outside}`, expected: `numbers that fit ${to}` });
  return encodeNumbers(to, values);
}

/** Whole rows `[start, end)` along the first axis, reading no more than them where the numbers lie in a file. */
export async function readRows(data: TensorData, start: number, end: number): Promise<Uint8Array> {
  const rows = data.shape[0] ?? 1;
  const width = rows === 0 ? 0 : data.byteLength / rows;
  if (data.stored && !data.memory) return readVerified(data.stored.slice(start * width, end * width));
  return (data.memory ?? (await data.read())).subarray(start * width, end * width);
}
