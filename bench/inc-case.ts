/**
 * One INT8 model of Neural Compressor carried over and run: how many samples equal PyTorch's, and how far the others
 * are.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FileSource, fileSource } from '../shared/bytes/byte-source.ts';
import type { QuantFormat } from '../shared/choices.ts';
import { openModel } from '../shared/onnx/proto/read.ts';
import { type RecipeName, RECIPES } from '../shared/quantize/recipe.ts';
import { type Session, type SessionOptions, withSession } from '../shared/runtime/session.ts';
import { transferFile } from '../shared/steps/transfer-file.ts';
import { asFloat32 } from '../shared/tensor/arithmetic.ts';
import { memoryData, type TensorData } from '../shared/tensor/data.ts';
import { byteLength } from '../shared/tensor/dtype.ts';
import { decodeNumbers } from '../shared/tensor/numbers.ts';
import { readNpz } from '../shared/tensor/npz.ts';
import { readQuantizedWeights } from '../shared/torch/quantized/read-state-dict.ts';

/** What the codes and scales of a file determine: PyTorch's own operators, run one by one on them. */
export interface Ceiling {
  readonly 'equal_1e-6': number;
  readonly 'equal_1e-5'?: number;
  readonly max_abs_diff: number;
}

export interface Ceilings {
  /** Of the output's codes; null where the output is float. */
  readonly step: number | null;
  readonly top1: number;
  readonly bias_float?: Ceiling;
  readonly bias_int32?: Ceiling;
  /** Dynamic models: activations of seven bits. */
  readonly activation_bits_7?: Ceiling;
}

export interface How {
  readonly recipe: RecipeName;
  readonly format: QuantFormat;
}

const FORMATS = ['QDQ', 'QLinear'] as const;
// Object.keys forgets the names.
const RECIPE_NAMES = Object.keys(RECIPES) as readonly RecipeName[];

/** Every way to write a case; dynamic modules know no recipes. */
export const waysOf = ({ activation_bits_7 }: Ceilings): readonly How[] =>
  FORMATS.flatMap((format) =>
    (activation_bits_7 ? (['QDQ_OP_FP32_BIAS'] as const) : RECIPE_NAMES).map((recipe) => ({ recipe, format })),
  );

export const ceilingOf = (ceilings: Ceilings, { recipe }: How): Ceiling =>
  ceilings.activation_bits_7 ?? (RECIPES[recipe].bias === 'int32' ? ceilings.bias_int32! : ceilings.bias_float!);

export const readCeilings = (file: string): Readonly<Record<string, Ceilings>> =>
  JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, Ceilings>>;

export interface CaseFiles {
  readonly graph: string;
  readonly quantized: string;
  /** An .npz with `x` and `y`, and one with what PyTorch computes of `x`, as `int8`. */
  readonly samples: string;
  readonly expected: string;
}

export interface CaseResult {
  /** Share of samples equal to PyTorch's. */
  readonly equal: number;
  readonly worst: number;
  readonly top1: number;
  /** Of the weight codes of the file, how many stand in the model. */
  readonly codes: { readonly found: number; readonly all: number };
}

export async function runIncCase(
  files: CaseFiles,
  { how, ceilings, folder }: { readonly how: How; readonly ceilings: Ceilings; readonly folder: string },
): Promise<CaseResult> {
  const path = join(folder, 'int8.onnx');
  await using(files.quantized, (quantized) =>
    transferFile({ graph: files.graph, quantized, path, weights: 'embed', ...how }),
  );
  const x = await arrayOf(files.samples, 'x');
  const y = decodeNumbers('int64', await (await arrayOf(files.samples, 'y')).read());
  const expected = asFloat32(await (await arrayOf(files.expected, 'int8')).read());
  const actual = await withSession(path, judged(how, ceilings), (session) => outputsOf(session, x));
  const tolerance = ceilings.activation_bits_7 ? 1e-5 : 1e-6;
  return { ...agreement(actual, expected, { tolerance, labels: y }), codes: await copiedCodes(files.quantized, path) };
}

/**
 * The file is judged, not the processor: float kernels as written; integer kernels, which saturate on x64 without VNNI,
 * as the optimizer replaces them for exact ones.
 */
function judged({ format, recipe }: How, { activation_bits_7 }: Ceilings): SessionOptions {
  const isInteger = format === 'QLinear' || RECIPES[recipe].bias === 'int32' || activation_bits_7 !== undefined;
  return isInteger ? { products: 'precise' } : { optimize: 'none' };
}

async function using<T>(path: string, work: (source: FileSource) => Promise<T>): Promise<T> {
  const source = fileSource(path);
  try {
    return await work(source);
  } finally {
    source.close();
  }
}

export const arrayOf = (file: string, name: string): Promise<TensorData> =>
  using(file, async (source) => {
    const { data } = (await readNpz(source)).get(name)!;
    return memoryData(data.dtype, data.shape, await data.read());
  });

/** One sample at a time: the ranges of dynamic modules are per call. */
export async function outputsOf(session: Session, x: TensorData): Promise<Float32Array> {
  const bytes = await x.read();
  const [samples, ...rest] = x.shape as [number, ...number[]];
  const size = byteLength(x.dtype, 1) * rest.reduce((a, b) => a * b, 1);
  const rows: number[] = [];
  for (let i = 0; i < samples; i++) {
    const sample = memoryData(x.dtype, [1, ...rest], bytes.slice(i * size, (i + 1) * size));
    const results = await session.run(new Map([[session.inputs[0]!.name, sample]]));
    rows.push(...asFloat32(results.get(session.outputs[0]!.name)!.memory));
  }
  return Float32Array.from(rows);
}

export function agreement(
  actual: Float32Array,
  expected: Float32Array,
  { tolerance, labels }: { readonly tolerance: number; readonly labels: Float64Array },
): Pick<CaseResult, 'equal' | 'worst' | 'top1'> {
  const classes = actual.length / labels.length;
  let [equal, worst, correct] = [0, 0, 0];
  for (let row = 0; row < labels.length; row++) {
    const [a, e] = [actual, expected].map((values) => [...values.subarray(row * classes, (row + 1) * classes)]) as [
      number[],
      number[],
    ];
    const furthest = Math.max(...a.map((v, i) => Math.abs(v - e[i]!)));
    if (furthest <= tolerance) equal++;
    worst = Math.max(worst, furthest);
    if (a.indexOf(Math.max(...a)) === labels[row]) correct++;
  }
  return { equal: equal / labels.length, worst, top1: correct / labels.length };
}

/** Codes are compared as sets of numbers in some order: a matrix may stand transposed. */
async function copiedCodes(quantized: string, path: string): Promise<CaseResult['codes']> {
  const { model, close } = await openModel(path);
  try {
    const stored = new Set<string>();
    for (const { data } of model.graph.initializers)
      if (data && data.byteLength > 1) stored.add(fingerprint(await data.read()));
    return await using(quantized, async (source) => {
      let [found, all] = [0, 0];
      for (const { weight } of (await readQuantizedWeights(source)).modules) {
        if (!weight) continue;
        all += weight.codes.byteLength;
        if (stored.has(fingerprint(await weight.codes.read()))) found += weight.codes.byteLength;
      }
      return { found, all };
    });
  } finally {
    close();
  }
}

/** How often each byte occurs. */
function fingerprint(bytes: Uint8Array): string {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte]!++;
  return counts.join();
}
