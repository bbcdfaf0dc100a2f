/** What a job asks for: found beside the model, checked, defaults filled in and marked as such. */
import {
  type Approach,
  APPROACHES,
  approachFor,
  type AskedDtype,
  ASKED_DTYPES,
  type CodeTypes,
  codeTypesOf,
  DEFAULT_CODE_TYPES,
  DTYPES,
  isQuantized,
  type QuantFormat,
  suffixOf,
  type VariantDtype,
  variantDtypeOf,
  VARIANTS,
  WEIGHT_ALGORITHMS,
  type WeightOnly,
} from '../../choices.ts';
import { fileSource } from '../../bytes/byte-source.ts';
import { fail, type JobProblem } from '../../errors.ts';
import { FIRST_WITH_BLOCKS, OLDEST_OPSET, opsetForInt8 } from '../../onnx/opset.ts';
import type { ObserverChoice } from '../../quantize/observers/index.ts';
import type { RecipeChoice } from '../../quantize/recipe.ts';
import type { ReportedOption } from '../../report/report.ts';
import { isObject } from './json-reader.ts';
import { keyBeside } from './beside.ts';
import { inTodaysWords } from './old-spellings.ts';
import { JOB_FILE, type JobFile, type JobOptions, type OptionName, OPTION_NAMES, OPTIONS } from './job-schema.ts';
import { readText } from '../workspace/read-object.ts';
import { fileNameOf, MAX_KEY_BYTES, type ObjectStore, withoutExtension } from '../workspace/store.ts';

export interface VariantRequest {
  /** Unique in the job: `fp32`, `int8`, `int4`, or `int8.qdq` and `int8.qlinear`, or `int8.s8s8` and `int8.u8u8`. */
  readonly name: string;
  readonly dtype: VariantDtype;
  readonly format: QuantFormat | null;
  readonly types: CodeTypes;
  /** File name in the output folder. */
  readonly file: string;
  /** False when the converted model is this variant. */
  readonly quantize: boolean;
}

export interface ResolvedJob {
  readonly options: JobOptions;
  /** Every option, with where its value is from. */
  readonly reported: readonly ReportedOption[];
  readonly variants: readonly VariantRequest[];
  /** What was asked and has no effect. */
  readonly warnings: readonly string[];
}

const MAX_JOB_BYTES = 1 << 20;

/**
 * Check the text of a job file; fails with BadJob naming every problem at once, with LimitExceeded for what no job is.
 */
export function parseJob(file: string, text: string): JobFile {
  requireDepth(file, text);
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\u{feff}/u, ''));
  } catch (cause) {
    const hint = 'JSON has double quotes, no comments and no comma after the last item';
    fail(
      'BadJob',
      { file, problems: [{ path: '$', problem: `it is no JSON: ${(cause as Error).message}`, hint }] },
      cause,
    );
  }
  return checkJob(file, value);
}

/** A job file that is named: a path on this machine. */
export async function readJobAt(path: string): Promise<JobFile> {
  const source = fileSource(path);
  try {
    requireJobSize(path, source.size);
    return parseJob(path, Buffer.from(await source.read()).toString('utf8'));
  } finally {
    source.close();
  }
}

function requireJobSize(file: string, bytes: number): void {
  if (bytes > MAX_JOB_BYTES)
    fail('LimitExceeded', { file, what: 'the size of the job file', found: bytes, limit: MAX_JOB_BYTES });
}

/** Deeper than any option, and nowhere near what would break a reader that calls itself. */
const MAX_JOB_DEPTH = 100;

function requireDepth(file: string, text: string): void {
  let depth = 0;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (inText && c === '\\') i++;
    else if (c === '"') inText = !inText;
    else if (!inText) depth += OPENS.has(c) ? 1 : CLOSES.has(c) ? -1 : 0;
    if (depth > MAX_JOB_DEPTH) {
      const found = `more than ${MAX_JOB_DEPTH}`;
      fail('LimitExceeded', { file, what: 'the nesting of its JSON', found, limit: MAX_JOB_DEPTH });
    }
  }
}
const OPENS: ReadonlySet<string> = new Set('[{');
const CLOSES: ReadonlySet<string> = new Set(']}');

/** Check a job that is already an object, such as the options of a request. */
export function checkJob(file: string, value: unknown): JobFile {
  const problems: JobProblem[] = [];
  // Editors want to know the schema; it is no option.
  const { $schema: _, ...options } = isObject(value) ? value : { $schema: null };
  const job = JOB_FILE.read(isObject(value) ? inTodaysWords(options) : value, '$', problems);
  if (problems.length || !job) fail('BadJob', { file, problems });
  return job;
}

/**
 * Fill in defaults and work out what is made. `found` are files beside the model that count where the job names none.
 */
export function resolveJob(file: string, job: JobFile, found: Partial<FoundFiles> = {}): ResolvedJob {
  const approach = job.approach ?? approachFor((job.calibration ?? found.calibration ?? null) !== null);
  const defaults = {
    ...Object.fromEntries(OPTION_NAMES.map((name) => [name, OPTIONS[name].default])),
    approach,
    ...found,
  };
  // The table gives every option a value or null, as JobOptions says.
  const asked = { ...defaults, ...job } as JobOptions;
  const { opset, warnings: raised } = wantsQuantized(asked) ? opsetForInt8(asked.opset_version) : NOT_RAISED;
  const options = { ...asked, opset_version: opset ?? asked.opset_version };
  const problems: JobProblem[] = [];
  const approaches = approachesOf(options);
  if (approaches.some((each) => APPROACHES[each].needsCalibration) && options.calibration === null) {
    const hint = 'set "calibration" to an .npz beside the model, or "approach" to "dynamic"';
    problems.push({ path: 'approach', problem: `${options.approach} quantization needs calibration data`, hint });
  }
  const chosen = options.dtype.find((asked) => codeTypesOf(asked) !== DEFAULT_CODE_TYPES);
  if (chosen !== undefined && options.quantized_model === null) {
    const problem = `integers of ${chosen} can be chosen where PyTorch quantized the model; no such model was found`;
    problems.push({ path: 'dtype', problem, hint: 'set "quantized_model", or say "int8"' });
  }
  const { algorithm } = weightOnlyOf(options.weight_only ?? {});
  const needsData = algorithm !== undefined && WEIGHT_ALGORITHMS[algorithm].needsCalibration;
  if (approaches.includes('weight-only') && needsData && options.calibration === null) {
    const hint = 'set "calibration" to an .npz beside the model, or choose another algorithm';
    problems.push({ path: 'weight_only.algorithm', problem: `${algorithm} needs calibration data`, hint });
  }
  if (approaches.includes('weight-only') && blocksNeedOpset(options)) {
    const problem = `weights in blocks need opset ${FIRST_WITH_BLOCKS} in the format QDQ`;
    const hint = `set it to ${FIRST_WITH_BLOCKS} or more, or "quant_format" to "QLinear"`;
    problems.push({ path: 'opset_version', problem, hint });
  }
  if (options.opset_version < OLDEST_OPSET) {
    const problem = `${options.opset_version} is older than what FP32 models are written for`;
    problems.push({ path: 'opset_version', problem, hint: `set it to ${OLDEST_OPSET} or more` });
  }
  if (problems.length) fail('BadJob', { file, problems });
  const reported = OPTION_NAMES.map((name): ReportedOption => ({
    name,
    value: options[name],
    from: originOf(name, { job, found }),
  }));
  return { options, reported, variants: variantsOf(options), warnings: [...raised, ...warningsOf(job, options)] };
}

const NOT_RAISED = { opset: undefined, warnings: [] };

function originOf(
  name: OptionName,
  { job, found }: { readonly job: JobFile; readonly found: Partial<FoundFiles> },
): ReportedOption['from'] {
  if (job[name] !== undefined) return 'job';
  return (found as Partial<Record<OptionName, string | null>>)[name] ? 'found' : 'default';
}

/** Codes and scales that PyTorch chose win over those we would compute. */
export function approachOf({ quantized_model, approach }: JobOptions, dtype: VariantDtype): Approach {
  if (VARIANTS[dtype].onlyWeights) return 'weight-only';
  return quantized_model === null ? approach : 'transferred';
}

const isQuantizedDtype = (asked: AskedDtype): boolean => isQuantized({ dtype: variantDtypeOf(asked) });
const quantizedDtypes = ({ dtype }: JobOptions): VariantDtype[] => [
  ...new Set(dtype.filter(isQuantizedDtype).map(variantDtypeOf)),
];
const wantsQuantized = (options: JobOptions): boolean => quantizedDtypes(options).length > 0;
/** Of the quantized models that are asked for. */
const approachesOf = (options: JobOptions): Approach[] => quantizedDtypes(options).map((d) => approachOf(options, d));
const blocksNeedOpset = ({ opset_version, quant_format }: JobOptions): boolean =>
  opset_version < FIRST_WITH_BLOCKS && quant_format.includes('QDQ');

/** How ranges of calibration data are found. */
const OF_OBSERVERS = ['calibrate_method', 'num_bins', 'percentile', 'averaging_constant'] as const;
/** Dynamic quantization has one form; the range of its weights can be chosen all the same. */
const OF_STATIC = ['quant_format', 'recipe', 'activation_type', 'quantize_all', ...OF_OBSERVERS] as const;
/** What is ours to choose where PyTorch chose no codes and scales. */
const OF_COMPUTED = [
  'approach',
  'calibration',
  'keep_float',
  'activation_type',
  'weight_type',
  'reduce_range',
  'quantize_all',
  ...OF_OBSERVERS,
] as const;
/** What is to be chosen where PyTorch did. */
const OF_TRANSFERRED = ['dynamic_activations'] as const;
/** What is about activations, or about pairs of 8-bit products. */
const OF_ACTIVATIONS = [
  ...OF_TRANSFERRED,
  'recipe',
  'processor',
  'activation_type',
  'weight_type',
  'reduce_range',
  'quantize_all',
] as const;
/** What is of use also where the program itself is one that PyTorch quantized. */
const OF_PYTORCHS_INT8 = ['int8_reference'] as const;
const OF_QUANTIZED = [
  ...OF_TRANSFERRED,
  ...OF_PYTORCHS_INT8,
  'quant_format',
  'recipe',
  'criterion',
  'processor',
  'weight_only',
  ...OF_COMPUTED,
] as const;

function warningsOf(job: JobFile, options: JobOptions): string[] {
  const idle = (name: keyof JobFile, why: string): string[] =>
    job[name] === undefined ? [] : [`${name} has no effect: ${why}`];
  const labels = options.test_data === null ? idle('labels', 'there is no test_data') : [];
  const approaches = approachesOf(options);
  if (approaches.length === 0)
    return [...labels, ...OF_QUANTIZED.flatMap((name) => idle(name, 'no INT8 model is asked for'))];
  const onlyWeights = approaches.includes('weight-only');
  const blocks = onlyWeights ? [] : idle('weight_only', 'no model is asked for whose weights alone are quantized');
  if (approaches.every((each) => each === 'weight-only')) {
    const why = 'weights alone are quantized';
    const others = job.approach === 'weight-only' ? OF_ACTIVATIONS : (['approach', ...OF_ACTIVATIONS] as const);
    return [...labels, ...others.flatMap((name) => idle(name, why))];
  }
  if (options.quantized_model !== null) {
    const why = 'codes and scales are those of quantized_model';
    const ours = OF_COMPUTED.filter((name) => !onlyWeights || (name !== 'keep_float' && name !== 'calibration'));
    return [...labels, ...blocks, ...ours.flatMap((name) => idle(name, why))];
  }
  const computed = [
    ...labels,
    ...blocks,
    ...OF_TRANSFERRED.flatMap((name) => idle(name, 'there is no quantized_model')),
    ...OF_PYTORCHS_INT8.flatMap((name) =>
      idle(name, 'there is no quantized_model, unless PyTorch quantized the program'),
    ),
  ];
  if (APPROACHES[options.approach].hasFormats) return computed;
  const ofStatic = OF_STATIC.filter((name) => !onlyWeights || name !== 'quant_format');
  return [
    ...computed,
    ...ofStatic.flatMap((name) =>
      idle(name, 'dynamic quantization has one form, unless PyTorch quantized the program'),
    ),
  ];
}

/** `model.onnx`, `model.int8.onnx`; two forms of a quantized one are told apart by their names. */
export const variantRequest = (
  dtype: VariantDtype,
  more: Partial<Pick<VariantRequest, 'name' | 'format' | 'quantize' | 'types'>> = {},
): VariantRequest => ({
  name: dtype,
  dtype,
  format: null,
  types: DEFAULT_CODE_TYPES,
  file: `model${suffixOf(dtype, more.name)}`,
  quantize: isQuantized({ dtype }),
  ...more,
});

/** One for each form of a quantized model that was asked for; U8S8 is what `int8` means. */
const variantsOf = (options: JobOptions): VariantRequest[] => [
  ...DTYPES.filter((d) => !isQuantized({ dtype: d }) && options.dtype.includes(d)).map((d) => variantRequest(d)),
  ...DTYPES.filter((d) => quantizedDtypes(options).includes(d)).flatMap((d) => formsOf(d, options)),
];

function formsOf(dtype: VariantDtype, options: JobOptions): VariantRequest[] {
  const asked = ASKED_DTYPES.filter((each) => variantDtypeOf(each) === dtype && options.dtype.includes(each));
  const types = [...new Set(asked.map(codeTypesOf))];
  const formats = APPROACHES[approachOf(options, dtype)].hasFormats ? options.quant_format : [null];
  const suffix = (chosen: string, among: readonly unknown[]): string =>
    among.length === 1 ? '' : `.${chosen.toLowerCase()}`;
  return types.flatMap((each) =>
    formats.map((format) => {
      const name = `${dtype}${suffix(each, types)}${format === null ? '' : suffix(format, formats)}`;
      return variantRequest(dtype, { name, format, types: each });
    }),
  );
}

/** What a job says of weight-only quantization, in the words of the quantizer. */
export function weightOnlyOf(asked: NonNullable<JobFile['weight_only']>): Partial<Omit<WeightOnly, 'bits'>> {
  const { algorithm, embeddings, scheme } = asked;
  const blockSize = asked.block_size ?? asked.group_size;
  const symmetric = asked.is_symmetric ?? (scheme === undefined ? undefined : scheme === 'sym');
  return {
    ...(blockSize === undefined ? {} : { blockSize }),
    ...(symmetric === undefined ? {} : { symmetric }),
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(embeddings === undefined ? {} : { embeddings }),
  };
}

/** What a job says of how to quantize, in the words of the quantizer; what it does not say is left out. */
export const recipeChoice = ({
  recipe,
  processor,
  activation_type: activationType,
  weight_type: weightType,
  reduce_range: reduceRange,
  quantize_all: full,
}: Pick<
  JobFile,
  'recipe' | 'processor' | 'activation_type' | 'weight_type' | 'reduce_range' | 'quantize_all'
>): RecipeChoice => ({
  ...(recipe === undefined ? {} : { recipe }),
  ...(processor === undefined ? {} : { processor }),
  ...(activationType === undefined ? {} : { activationType }),
  ...(weightType === undefined ? {} : { weightType }),
  ...(reduceRange === undefined ? {} : { reduceRange }),
  ...(full === undefined ? {} : { full }),
});

/** And how ranges are found. */
export const observerChoice = ({
  calibrate_method: observer,
  num_bins: numBins,
  percentile,
  averaging_constant: averagingConstant,
}: Nullable<Pick<JobFile, 'calibrate_method' | 'num_bins' | 'percentile' | 'averaging_constant'>>): ObserverChoice => ({
  ...(observer == null ? {} : { observer }),
  observerOptions: {
    ...(numBins == null ? {} : { numBins }),
    ...(percentile == null ? {} : { percentile }),
    ...(averagingConstant == null ? {} : { averagingConstant }),
  },
});

type Nullable<T> = { readonly [K in keyof T]?: T[K] | null | undefined };

export interface FoundJob {
  /** Where it was found; null: nothing was, everything is a default. */
  readonly key: string | null;
  readonly job: JobFile;
}

/**
 * `net.pt2.job.json`, else `net.job.json`, else `job.json` in the folder: the nearest one counts, they are not merged.
 */
export const jobKeys = (modelKey: string): readonly string[] => [
  `${modelKey}.job.json`,
  `${withoutExtension(modelKey)}.job.json`,
  keyBeside(modelKey, 'job.json'),
];

export async function findJob(store: ObjectStore, bucket: string, modelKey: string): Promise<FoundJob> {
  for (const key of jobKeys(modelKey)) {
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) continue;
    const head = await store.head(bucket, key);
    if (!head) continue;
    requireJobSize(key, head.size);
    return { key, job: parseJob(key, await readText(store, { bucket, key, version: head.version })) };
  }
  return { key: null, job: {} };
}

/** Files that count without being named: `net.calibration.npz` for `net.pt2`, and so on. */
export const FOUND_FILES = {
  calibration: '.calibration.npz',
  test_data: '.test.npz',
  reference: '.reference.npz',
  quantized_model: '.int8.pt',
  int8_reference: '.int8.reference.npz',
} as const;
type Found = keyof typeof FOUND_FILES;
export type FoundFiles = { readonly [N in Found]: string | null };

export async function findFiles(store: ObjectStore, bucket: string, modelKey: string): Promise<FoundFiles> {
  const found = async (ending: string): Promise<string | null> => {
    const key = `${withoutExtension(modelKey)}${ending}`;
    return Buffer.byteLength(key) <= MAX_KEY_BYTES && (await store.head(bucket, key)) ? fileNameOf(key) : null;
  };
  const names = await Promise.all(
    Object.entries(FOUND_FILES).map(async ([option, ending]) => [option, await found(ending)] as const),
  );
  // Object.fromEntries forgets the names.
  return Object.fromEntries(names) as Record<Found, string | null>;
}

/** Options that name files: whether it is one of arrays. */
const FILE_OPTIONS = {
  example_inputs: true,
  calibration: true,
  test_data: true,
  reference: true,
  quantized_model: false,
  int8_reference: true,
} as const;

export interface NamedFile {
  readonly option: keyof typeof FILE_OPTIONS;
  readonly key: string;
  /** An .npz. */
  readonly isArrays: boolean;
}

/** Options that name files, each with the key it means. */
export function filesOf(modelKey: string, options: JobOptions): NamedFile[] {
  // Object.keys forgets the names.
  return (Object.keys(FILE_OPTIONS) as (keyof typeof FILE_OPTIONS)[]).flatMap((option) => {
    const name = options[option];
    return name === null ? [] : [{ option, key: keyBeside(modelKey, name), isArrays: FILE_OPTIONS[option] }];
  });
}
