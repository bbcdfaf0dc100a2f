/** Samples of an .npz file as batches a model can be fed with, and their labels. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { fail } from '../errors.ts';
import { didYouMean } from '../nearest.ts';
import { isStatic } from '../tensor/dim.ts';
import { isInteger } from '../tensor/dtype.ts';
import { decodeInts } from '../tensor/numbers.ts';
import { readNpz } from '../tensor/npz.ts';
import {
  type ArrayMatch,
  type Arrays,
  type BadData,
  castBytes,
  matchArrays,
  readRows,
  requireFit,
} from './npz-arrays.ts';
import { type Declared, inMemory, type MemoryTensor, type MemoryTensors } from './session.ts';

export interface Batch {
  readonly feeds: MemoryTensors;
  /** Rows that are samples; further ones repeat the last to fill a fixed batch. */
  readonly samples: number;
}

export interface Samples {
  readonly file: string;
  readonly count: number;
  /** One class per sample. */
  readonly labels: Float64Array | null;
  /**
   * In order, as often as it is iterated. The size is a wish: a model with a fixed batch gets that, one without a batch
   * axis gets one sample at a time.
   */
  batches(size: number): AsyncIterable<Batch>;
}

export interface SamplesOptions {
  readonly code: BadData;
  /** Name of the array of labels, when there has to be one. */
  readonly labels?: string;
  /** At most so many samples, from the start. */
  readonly limit?: number;
}

/**
 * The first axis of every array counts samples. An array of the input's rank is cut along the batch axis; one with an
 * axis more
 * holds a whole input per sample. See `matchArrays` for names.
 */
export const readSamples = async (
  source: ByteSource,
  inputs: readonly Declared[],
  options: SamplesOptions,
): Promise<Samples> => samplesIn({ file: source.name, arrays: await readNpz(source) }, inputs, options);

/** Arrays and where they are from, for messages. */
export interface NamedArrays {
  readonly file: string;
  readonly arrays: Arrays;
}

/** The same for arrays that are at hand. */
export async function samplesIn(
  { file, arrays }: NamedArrays,
  inputs: readonly Declared[],
  { code, labels, limit = Infinity }: SamplesOptions,
): Promise<Samples> {
  const matches = matchArrays({ file, arrays, declared: inputs, stem: 'input', code });
  for (const match of matches) {
    requireFit(match, { lead: isWhole(match) ? 1 : 0, file, code });
    if (match.array.shape.length === 0)
      fail(code, {
        file,
        problem: `the array for "${match.declared.name}" is one number`,
        expected: 'an array with samples along the first axis',
      });
  }
  const counts = new Set(matches.map(({ array }) => array.shape[0]!));
  if (counts.size > 1)
    fail(code, {
      file,
      problem: `its arrays have ${[...counts].join(' and ')} samples`,
      expected: 'the same number along every first axis',
    });
  const count = Math.min([...counts][0]!, limit);
  if (count === 0) fail(code, { file, problem: 'it has no samples', expected: 'at least one' });
  const fixed = fixedBatch(matches);
  async function* rows(step: number): AsyncGenerator<Batch> {
    for (let start = 0; start < count; start += step) {
      const end = Math.min(start + step, count);
      const feeds = new Map<string, MemoryTensor>();
      for (const match of matches)
        feeds.set(match.declared.name, await batchOf(match, { start, end, rows: fixed ?? end - start, file, code }));
      yield { feeds, samples: end - start };
    }
  }
  return {
    file,
    count,
    labels: labels === undefined ? null : await readLabels(file, arrays, { name: labels, count, code }),
    batches: (size) => ({ [Symbol.asyncIterator]: () => rows(fixed ?? size) }),
  };
}

/** An array with an axis more than the tensor holds one for every sample. */
export const isWhole = ({ declared, array }: ArrayMatch): boolean =>
  array.shape.length === declared.type.shape.length + 1;

/** The batch a model insists on: 1 where samples are whole inputs; null where the axis is symbolic. */
function fixedBatch(matches: readonly ArrayMatch[]): number | null {
  if (matches.some(isWhole)) return 1;
  const first = matches[0]!.declared.type.shape[0]!;
  return isStatic(first) ? first : null;
}

interface Rows {
  readonly start: number;
  readonly end: number;
  readonly rows: number;
  readonly file: string;
  readonly code: BadData;
}

async function batchOf(match: ArrayMatch, { start, end, rows, file, code }: Rows): Promise<MemoryTensor> {
  const { declared, array } = match;
  const bytes = castBytes(declared.name, {
    from: array.dtype,
    to: declared.type.dtype,
    bytes: await readRows(array.data, start, end),
    file,
    code,
  });
  const width = bytes.byteLength / (end - start);
  const filled = new Uint8Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const from = Math.min(row, end - start - 1) * width;
    filled.set(bytes.subarray(from, from + width), row * width);
  }
  const rest = array.shape.slice(1);
  return inMemory(declared.type.dtype, isWhole(match) ? rest : [rows, ...rest], filled);
}

async function readLabels(
  file: string,
  arrays: Arrays,
  { name, count, code }: { readonly name: string; readonly count: number; readonly code: BadData },
): Promise<Float64Array> {
  const array = arrays.get(name);
  const expected = `an integer array "${name}" with one class per sample`;
  if (!array) {
    const names = [...arrays.keys()];
    const near = didYouMean(name, names) || `it has ${names.map((n) => `"${n}"`).join(', ')}`;
    return fail(code, { file, problem: `it has no array "${name}" (${near})`, expected });
  }
  if (!isInteger(array.dtype) || array.shape.length !== 1 || array.shape[0]! < count) {
    fail(code, { file, problem: `"${name}" is ${array.dtype}[${array.shape.join(',')}]`, expected });
  }
  const labels = decodeInts(array.dtype, await readRows(array.data, 0, count));
  return labels
    ? Float64Array.from(labels)
    : fail(code, { file, problem: `"${name}" holds numbers beyond 2^53`, expected });
}
