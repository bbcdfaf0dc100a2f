/** Samples in the files of a folder, opened one after the other: what is in memory does not grow with their number. */
import { basename, extname } from 'node:path';
import { type FileSource, fileSource } from '../bytes/file-source.ts';
import { fail } from '../errors.ts';
import { readNpy } from '../tensor/npy.ts';
import { type NpyArray, readNpz } from '../tensor/npz.ts';
import { type Arrays, type BadData, matchArrays } from './npz-arrays.ts';
import { type Batch, type NamedArrays, type Samples, samplesIn } from './samples.ts';
import type { Declared } from './session.ts';

/** What a folder of samples is made of. */
export const SAMPLE_SUFFIXES: readonly string[] = ['.npz', '.npy'];

interface SampleFiles {
  /** For messages. */
  readonly folder: string;
  /** In the order in which they are read. */
  readonly files: readonly string[];
}

/**
 * Each file has some of the samples, of shapes of its own: an `.npz` under the names of the inputs, an `.npy` where
 * there is one input. `.npy` files that are named as the inputs hold one input each. An array that lacks the first axis
 * of its input is one sample.
 */
export async function readSampleFiles(
  { folder, files }: SampleFiles,
  inputs: readonly Declared[],
  code: BadData,
): Promise<Samples> {
  const expected = '.npz files, or .npy files: of a model with one input, or named as its inputs';
  if (files.length === 0) fail(code, { file: folder, problem: 'it has no samples', expected });
  const isInput = new Set(files.map(stemOf)).isSupersetOf(new Set(inputs.map(({ name }) => name)));
  const sets = isInput && files.every(isArray) ? [files] : files.map((file) => [file]);
  const lone = inputs.length > 1 ? sets.find((set) => set.length === 1 && isArray(set[0]!)) : undefined;
  if (lone)
    fail(code, { file: lone[0]!, problem: `it is one array, and the model has ${inputs.length} inputs`, expected });
  let count = 0;
  for (const set of sets) for await (const samples of opened(set, inputs, code)) count += samples.count;
  async function* batches(size: number): AsyncGenerator<Batch> {
    for (const set of sets) for await (const samples of opened(set, inputs, code)) yield* samples.batches(size);
  }
  return { file: folder, count, labels: null, batches: (size) => ({ [Symbol.asyncIterator]: () => batches(size) }) };
}

const stemOf = (file: string): string => basename(file, extname(file));
const isArray = (file: string): boolean => extname(file) === '.npy';

/** One set of files, open for as long as its samples are looked at. */
async function* opened(set: readonly string[], inputs: readonly Declared[], code: BadData): AsyncGenerator<Samples> {
  const sources: FileSource[] = [];
  try {
    for (const file of set) sources.push(fileSource(file));
    const arrays = isArray(set[0]!) ? await arraysOf(sources, inputs) : await readNpz(sources[0]!);
    yield await samplesIn(withSampleAxis({ file: set[0]!, arrays }, inputs, code), inputs, { code });
  } finally {
    for (const source of sources) source.close();
  }
}

/** Under the names of the files, or of the only input. */
async function arraysOf(sources: readonly FileSource[], inputs: readonly Declared[]): Promise<Arrays> {
  const arrays = new Map<string, NpyArray>();
  for (const source of sources) {
    const data = await readNpy(source);
    const name = inputs.length === 1 ? inputs[0]!.name : stemOf(source.name);
    arrays.set(name, { dtype: data.dtype, shape: data.shape, data });
  }
  return arrays;
}

/** Arrays that lack the first axis of their inputs are one sample. */
function withSampleAxis({ file, arrays }: NamedArrays, inputs: readonly Declared[], code: BadData): NamedArrays {
  const matches = matchArrays({ file, arrays, declared: inputs, stem: 'input', code });
  if (!matches.every(({ declared, array }) => array.shape.length === declared.type.shape.length - 1))
    return { file, arrays };
  const one = matches.map(({ declared, array: { dtype, shape, data } }): [string, NpyArray] => {
    const whole = [1, ...shape];
    return [declared.name, { dtype, shape: whole, data: { ...data, shape: whole } }];
  });
  return { file, arrays: new Map(one) };
}
