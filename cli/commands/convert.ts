/** `torchferry convert`: PyTorch files to ONNX files. */
import { join } from 'node:path';
import { fail } from '../../shared/errors.ts';
import type { ConvertOptions } from '../../shared/convert/convert.ts';
import {
  type AskedDtype,
  ASKED_DTYPES,
  CARRIED_DTYPES,
  codeTypesOf,
  DEFAULT_CODE_TYPES,
  DEFAULT_DYNAMIC_ACTIVATIONS,
  DEFAULT_FORMAT,
  DYNAMIC_ACTIVATION_NAMES,
  type Role,
  roleOf,
  suffixOf,
  variantDtypeOf,
  VARIANTS,
  WEIGHTS,
  type Weights,
} from '../../shared/choices.ts';
import type { JobFile } from '../../shared/pipeline/job/job-schema.ts';
import { equalText } from '../../shared/report/equal-samples.ts';
import type { Quantization } from '../../shared/report/report.ts';
import { opsetForInt8 } from '../../shared/onnx/opset.ts';
import type { QuantizedForm } from '../../shared/quantize/transfer/quantized-program.ts';
import { DEFAULT_RECIPE } from '../../shared/quantize/recipe.ts';
import { type RecipeName, RECIPES } from '../../shared/quantize/recipe.ts';
import { type ConvertedFile, convertFile } from '../../shared/steps/convert-file.ts';
import { atolOf, compareWithInt8 } from '../../shared/steps/int8-reference.ts';
import { weightsAt, withQuantized } from '../../shared/steps/quantized-pair.ts';
import { requireRuns } from '../../shared/steps/require-runs.ts';
import { rewriteFile } from '../../shared/steps/rewrite-file.ts';
import { transferFile } from '../../shared/steps/transfer-file.ts';
import { readNpz } from '../../shared/tensor/npz.ts';
import { withCalibration } from '../calibration.ts';
import type { Command, Context, OptionValues } from '../command.ts';
import { pathsOf, pytorchFiles } from '../files.ts';
import { besideModel, convertOptionsOf, readJobFile } from '../job-options.ts';
import { eachFile, type FileOutcome } from '../outcomes.ts';
import { outputPaths } from '../output-paths.ts';
import { size } from '../sizes.ts';
import { inTemporaryFolder } from '../temporary-folder.ts';
import { choice, quantFormat, text } from '../values.ts';
import { thisProcessor } from '../this-processor.ts';
import { withSource, withSourceOf } from '../with-source.ts';
import { CONVERT_OPTIONS, convertOptions } from './convert-options.ts';
import { quantizeOptions, toInt8 } from './quantize.ts';

export const convert: Command = {
  summary: 'convert PyTorch models (.pt2) to ONNX, FP32 or INT8',
  usage:
    `torchferry convert <model>... [-o FILE|DIR] [--opset N] [--dtype ${ASKED_DTYPES.join('|')}] ` +
    `[--weights ${WEIGHTS.join('|')}] [--quantized best_model.pt] [--job FILE] [--json]`,
  options: CONVERT_OPTIONS,
  async run({ files, options, progress, signal }) {
    const models = pytorchFiles(files);
    const job = await readJobFile(text(options, 'job'));
    const asked = text(options, 'quantized');
    if (asked !== undefined && models.length > 1) {
      fail('WrongUsage', {
        problem: `--quantized goes with one model, not ${models.length}`,
        hint: 'convert them one by one',
      });
    }
    const wanted = choice(options, 'dtype', {
      among: ASKED_DTYPES,
      fallback:
        asked === undefined
          ? 'fp32'
          : (job.dtype?.find((d) => isQuantizedDtype(d) && CARRIED_DTYPES.includes(d)) ?? 'int8'),
    });
    const dtype = variantDtypeOf(wanted);
    const isQuantized = isQuantizedDtype(wanted);
    if (asked !== undefined && (!isQuantized || VARIANTS[dtype].onlyWeights)) {
      fail('WrongUsage', {
        problem: `--quantized makes an INT8 model, --dtype asks for ${dtype}`,
        hint: 'leave one of them out',
      });
    }
    const known = text(options, 'int8-reference');
    if (known !== undefined && asked === undefined && job.quantized_model === undefined) {
      fail('WrongUsage', {
        problem: "--int8-reference is what PyTorch's INT8 computes, and there is no such model",
        hint: 'add --quantized best_model.pt',
      });
    }
    const pathOf = outputPaths(models, {
      output: text(options, 'output'),
      suffix: suffixOf(dtype),
      reads: [asked && weightsAt(asked), known, text(options, 'job')],
    });
    const examples = text(options, 'example-inputs');
    return eachFile(pathsOf(models), { progress, options }, async (file) => {
      const isCarried = isQuantized && !VARIANTS[dtype].onlyWeights;
      const quantized =
        asked ?? (isCarried && job.quantized_model ? besideModel(file, job.quantized_model) : undefined);
      const path = pathOf(file);
      const weights = choice(options, 'weights', { among: WEIGHTS, fallback: job.weights ?? 'embed' });
      const converting = { ...convertOptionsOf(job), ...convertOptions(options) };
      const task = { file, path, weights, options, converting, wanted, job, progress, signal };
      if (quantized === undefined) requireDefaultCodes(wanted);
      const made = quantized === undefined ? await MAKERS[roleOf(dtype)](task) : await carryOver(task, quantized);
      if (examples !== undefined) await requireRuns(path, examples);
      return made;
    });
  },
};

const isQuantizedDtype = (wanted: AskedDtype): boolean => roleOf(variantDtypeOf(wanted)) === 'quantized';

function requireDefaultCodes(wanted: AskedDtype): void {
  if (codeTypesOf(wanted) === DEFAULT_CODE_TYPES) return;
  fail('WrongUsage', {
    problem: `--dtype ${wanted} names the integers of an INT8 model of PyTorch, and there is none`,
    hint: 'add --quantized best_model.pt, or say --dtype int8',
  });
}

interface Task extends Pick<Context, 'options' | 'progress' | 'signal'> {
  readonly file: string;
  /** Where the wanted model is written. */
  readonly path: string;
  readonly weights: Weights;
  readonly converting: ConvertOptions;
  /** As it was asked for. */
  readonly wanted: AskedDtype;
  readonly job: JobFile;
}

async function makeFp32(task: Task): Promise<FileOutcome> {
  const { written, facts, warnings } = await toOnnx(task, task.path, task.weights);
  return {
    text:
      `${task.path}: ${facts.onnxNodes} nodes, opset ${facts.opset}, ${size(sum(written.files))}` +
      (facts.validFor ? `\n  valid for ${facts.validFor.join(', ')}` : '') +
      (facts.losesNaN ? `\n  NaN may get lost in ${facts.losesNaN.join(', ')} (--nan exact carries it)` : ''),
    facts: { files: written.files, warnings, ...facts },
  };
}

/** An FP32 model that is only quantized lies where it goes away whole. */
const makeInt8 = (task: Task): Promise<FileOutcome> =>
  inTemporaryFolder(async (folder) => {
    const { file, path, weights, options, job, progress, signal } = task;
    const model = join(folder, 'model.onnx');
    const how = quantizeOptions(options, job, { model: file, dtype: variantDtypeOf(task.wanted), progress });
    // What cannot be read is known before the conversion.
    await withCalibration(how.calibration, async (data) => data && 'source' in data && readNpz(data.source));
    const { opset, warnings: raised } = opsetForInt8(task.converting.opset_version);
    for (const warning of raised) progress.note(`note: ${warning}`);
    const converting = { ...task.converting, ...(opset === undefined ? {} : { opset_version: opset }) };
    const { warnings: found, isQuantized } = await toOnnx({ ...task, converting }, model, 'embed');
    const warnings = [...raised, ...found];
    if (isQuantized) {
      const { written, operators } = await rewriteFile({ model, path, weights, signal });
      const note = 'the program is quantized already: its codes and scales are kept';
      return {
        text: `${path}: ${note}, ${size(sum(written.files))}`,
        facts: { files: written.files, warnings: [...warnings, note], operators },
      };
    }
    progress.step(`quantizing ${file}`);
    const { written, facts, warnings: more } = await toInt8({ model, path, weights, signal, ...how });
    for (const warning of more) progress.note(`note: ${warning}`);
    return {
      text: `${path}: ${facts.quantized} operators quantized, ${size(sum(written.files))}`,
      facts: { files: written.files, warnings: [...warnings, ...more], ...facts },
    };
  });

/** The graph is a `.pt2` or an `.onnx`; its FP32 form is not written. */
async function carryOver(task: Task, from: string): Promise<FileOutcome> {
  const named = task.job.int8_reference;
  const reference = text(task.options, 'int8-reference') ?? (named && besideModel(task.file, named));
  return withSourceOf(reference, async (source) => {
    // What cannot be read is known before the work.
    if (source) await readNpz(source);
    const made = await carriedOver(task, from);
    if (!source) return made;
    task.progress.step(`comparing ${task.path} with PyTorch`);
    const atol = atolOf(made.facts.transfer);
    const int8 = await compareWithInt8(task.path, { source, atol }, thisProcessor());
    return { text: `${made.text}\n  ${equalText(int8)}`, facts: { ...made.facts, int8 } };
  });
}

async function carriedOver(task: Task, from: string): Promise<FileOutcome & { readonly facts: Quantization }> {
  const { file, path, weights, options, converting, job, progress, signal } = task;
  progress.step(`carrying INT8 over to ${file}`);
  const made = await withQuantized(from, (pair) =>
    transferFile({
      ...pair,
      graph: file,
      options: converting,
      path,
      weights,
      ...formOf(options, job),
      types: codeTypesOf(task.wanted),
      activations: choice(options, 'dynamic-activations', {
        among: DYNAMIC_ACTIVATION_NAMES,
        fallback: job.dynamic_activations ?? DEFAULT_DYNAMIC_ACTIVATIONS,
      }),
      signal,
    }),
  );
  for (const warning of made.warnings) progress.note(`note: ${warning}`);
  const { modules, operators } = made.facts.transfer!;
  return {
    text:
      `${path}: ${modules.length} modules and ${operators} operators as PyTorch computes them, ` +
      size(sum(made.written.files)),
    facts: { files: made.written.files, warnings: made.warnings, ...made.facts },
  };
}

const RECIPE_NAMES = Object.keys(RECIPES) as readonly RecipeName[];

/** Of an INT8 model with PyTorch's own codes. */
const formOf = (options: OptionValues, job: JobFile): QuantizedForm => ({
  format: quantFormat(options, job.quant_format?.[0] ?? DEFAULT_FORMAT),
  recipe: choice(options, 'recipe', { among: RECIPE_NAMES, fallback: job.recipe ?? DEFAULT_RECIPE }),
});

const MAKERS: Readonly<Record<Role, (task: Task) => Promise<FileOutcome>>> = {
  reference: makeFp32,
  quantized: makeInt8,
};

async function toOnnx(task: Task, path: string, weights: Weights): Promise<ConvertedFile> {
  const { file, options, job, converting, progress, signal } = task;
  progress.step(`converting ${file}`);
  const converted = await withSource(file, (source) =>
    convertFile({
      source,
      path,
      options: converting,
      weights,
      form: formOf(options, job),
      signal,
    }),
  );
  for (const warning of converted.warnings) progress.note(`note: ${warning}`);
  return converted;
}

const sum = (files: readonly { bytes: number }[]): number => files.reduce((n, f) => n + f.bytes, 0);
