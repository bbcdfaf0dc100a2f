/**
 * One INT8 model of Neural Compressor carried over and run: how many samples equal PyTorch's, and how far the others
 * are.
 */
import { readFileSync } from 'node:fs';
import { type FileSource, fileSource } from '../shared/bytes/file-source.ts';
import type { QuantFormat } from '../shared/choices.ts';
import { thisProcessor } from '../cli/this-processor.ts';
import { structureProblems } from '../shared/onnx/check.ts';
import type { Model } from '../shared/onnx/ir.ts';
import { openModel } from '../shared/onnx/proto/read.ts';
import { type RecipeName, RECIPES } from '../shared/quantize/recipe.ts';
import { type Session, withSession } from '../shared/runtime/session.ts';
import { asWritten } from '../shared/steps/int8-reference.ts';
import { transferFile } from '../shared/steps/transfer-file.ts';
import { asFloat32 } from '../shared/tensor/arithmetic.ts';
import { memoryData, type TensorData } from '../shared/tensor/data.ts';
import { byteLength } from '../shared/tensor/dtype.ts';
import { decodeNumbers } from '../shared/tensor/numbers.ts';
import { readNpz } from '../shared/tensor/npz.ts';
import { type CarriedWeights, carriedWeights } from './carried-weights.ts';

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

/** How far apart two numbers are that count as equal. */
export const toleranceOf = ({ activation_bits_7 }: Ceilings): number => (activation_bits_7 ? 1e-5 : 1e-6);

export const readCeilings = (file: string): Readonly<Record<string, Ceilings>> =>
  JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, Ceilings>>;

export interface CaseFiles {
  readonly graph: string;
  readonly quantized: string;
  /** An .npz with `x` and `y`, and one with what PyTorch computes of `x`, as `array`. */
  readonly samples: string;
  readonly expected: string;
  readonly array: string;
}

export interface CaseResult extends CarriedWeights {
  /** Share of samples equal to PyTorch's. */
  readonly equal: number;
  readonly worst: number;
  readonly top1: number;
  /** What our own checker says, and initializers that nothing reads. */
  readonly problems: readonly string[];
}

/** `path`: where the INT8 model is written. */
export async function runIncCase(
  files: CaseFiles,
  { how, ceilings, path }: { readonly how: How; readonly ceilings: Ceilings; readonly path: string },
): Promise<CaseResult> {
  await using(files.quantized, (quantized) =>
    transferFile({ graph: files.graph, quantized, path, weights: 'embed', ...how }),
  );
  const x = await arrayOf(files.samples, 'x');
  const y = decodeNumbers('int64', await (await arrayOf(files.samples, 'y')).read());
  const expected = asFloat32(await (await arrayOf(files.expected, files.array)).read());
  const { model, close } = await openModel(path);
  try {
    const actual = await withSession(path, asWritten(model, thisProcessor()), (session) => outputsOf(session, x));
    const tolerance = toleranceOf(ceilings);
    return {
      ...agreement(actual, expected, { tolerance, labels: y }),
      ...(await using(files.quantized, (quantized) => carriedWeights(quantized, model))),
      problems: [...structureProblems(model), ...unread(model)],
    };
  } finally {
    close();
  }
}

const unread = ({ graph }: Model): string[] =>
  [...graph.initializers]
    .filter((value) => value.uses.size === 0 && !graph.outputs.includes(value))
    .map(({ name }) => `nothing reads initializer "${name}"`);

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
