/** `torchferry convert`: PyTorch files to ONNX files. */
import { join } from 'node:path';
import { fail } from '../../shared/errors.ts';
import type { ConvertOptions } from '../../shared/convert/convert.ts';
import {
  DEFAULT_FORMAT,
  DTYPES,
  GUARDS,
  QUANT_FORMAT_NAMES,
  QUANT_FORMATS,
  type QuantFormat,
  type Role,
  roleOf,
  suffixOf,
  WEIGHTS,
  type Weights,
} from '../../shared/choices.ts';
import type { JobFile } from '../../shared/pipeline/job/job-schema.ts';
import { opsetForInt8 } from '../../shared/onnx/opset.ts';
import { DEFAULT_RECIPE } from '../../shared/quantize/recipe.ts';
import { type RecipeName, RECIPES } from '../../shared/quantize/recipe.ts';
import { type ConvertedFile, convertFile } from '../../shared/steps/convert-file.ts';
import { rewriteFile } from '../../shared/steps/rewrite-file.ts';
import { transferFile } from '../../shared/steps/transfer-file.ts';
import { readNpz } from '../../shared/tensor/npz.ts';
import type { Command, Context, OptionValues } from '../command.ts';
import { pathsOf, pytorchFiles } from '../files.ts';
import { besideModel, convertOptionsOf, readJobFile } from '../job-options.ts';
import { eachFile, type FileOutcome } from '../outcomes.ts';
import { outputPaths } from '../output-paths.ts';
import { size } from '../sizes.ts';
import { inTemporaryFolder } from '../temporary-folder.ts';
import { choice, names, text, wholeNumber } from '../values.ts';
import { withSource, withSourceOf } from '../with-source.ts';
import { quantizeOptions, toInt8 } from './quantize.ts';

export const convert: Command = {
  summary: 'convert PyTorch models (.pt2) to ONNX, FP32 or INT8',
  usage:
    `torchferry convert <model>... [-o FILE|DIR] [--opset N] [--dtype ${DTYPES.join('|')}] ` +
    `[--weights ${WEIGHTS.join('|')}] [--quantized best_model.pt] [--job FILE] [--json]`,
  options: {
    output: { type: 'string', short: 'o', value: 'FILE|DIR', describe: 'where to write; default: beside the model' },
    opset: { type: 'string', value: 'N', describe: 'ONNX opset, 13 to 26; an older one is raised for INT8' },
    dtype: {
      type: 'string',
      value: DTYPES.join('|'),
      describe: 'fp32 (default), or int8: quantized statically when the job names calibration data, else dynamically',
    },
    weights: {
      type: 'string',
      value: WEIGHTS.join('|'),
      describe: 'in the .onnx (default), in a .data file beside it, or left in the .pt2',
    },
    quantized: {
      type: 'string',
      value: 'FILE',
      describe: "the INT8 model PyTorch made of it (Neural Compressor's best_model.pt): its codes and scales are kept",
    },
    'quant-format': { type: 'string', value: QUANT_FORMAT_NAMES.join('|'), describe: 'form of an INT8 model' },
    recipe: { type: 'string', value: 'NAME', describe: 'how the bias of a quantized Linear is added' },
    guards: {
      type: 'string',
      value: GUARDS.join('|'),
      describe: 'conditions on input sizes: said (default), or also checked by the model at every run',
    },
    job: { type: 'string', value: 'FILE', describe: 'a job file with further options' },
    'input-names': { type: 'string', value: 'A,B', describe: 'names for the inputs' },
    'output-names': { type: 'string', value: 'A,B', describe: 'names for the outputs' },
  },
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
    const dtype = choice(options, 'dtype', { among: DTYPES, fallback: asked === undefined ? 'fp32' : 'int8' });
    const isQuantized = roleOf(dtype) === 'quantized';
    if (asked !== undefined && !isQuantized) {
      fail('WrongUsage', {
        problem: `--quantized makes an INT8 model, --dtype asks for ${dtype}`,
        hint: 'leave one of them out',
      });
    }
    const pathOf = outputPaths(models, {
      output: text(options, 'output'),
      suffix: suffixOf(dtype),
      reads: [asked, text(options, 'job')],
    });
    return eachFile(pathsOf(models), { progress, options }, async (file) => {
      const quantized =
        asked ?? (isQuantized && job.quantized_model ? besideModel(file, job.quantized_model) : undefined);
      const path = pathOf(file);
      const weights = choice(options, 'weights', { among: WEIGHTS, fallback: job.weights ?? 'embed' });
      const converting = { ...convertOptionsOf(job), ...convertOptions(options) };
      const task = { file, path, weights, options, converting, job, progress, signal };
      return quantized === undefined ? MAKERS[roleOf(dtype)](task) : carryOver(task, quantized);
    });
  },
};

interface Task extends Pick<Context, 'options' | 'progress' | 'signal'> {
  readonly file: string;
  /** Where the wanted model is written. */
  readonly path: string;
  readonly weights: Weights;
  readonly converting: ConvertOptions;
  readonly job: JobFile;
}

async function makeFp32(task: Task): Promise<FileOutcome> {
  const { written, facts, warnings } = await toOnnx(task, task.path, task.weights);
  return {
    text:
      `${task.path}: ${facts.onnxNodes} nodes, opset ${facts.opset}, ${size(sum(written.files))}` +
      (facts.validFor ? `\n  valid for ${facts.validFor.join(', ')}` : ''),
    facts: { files: written.files, warnings, ...facts },
  };
}

/** An FP32 model that is only quantized lies where it goes away whole. */
const makeInt8 = (task: Task): Promise<FileOutcome> =>
  inTemporaryFolder(async (folder) => {
    const { file, path, weights, options, job, progress, signal } = task;
    const model = join(folder, 'model.onnx');
    const how = quantizeOptions(options, job, file);
    // What cannot be read is known before the conversion.
    await withSourceOf(how.calibration, async (source) => source && readNpz(source));
    const { opset, warnings: raised } = opsetForInt8(task.converting.opset_version);
    for (const warning of raised) progress.note(`note: ${warning}`);
    const converting = { ...task.converting, ...(opset === undefined ? {} : { opset_version: opset }) };
    const { warnings: found, isQuantized } = await toOnnx({ ...task, converting }, model, 'embed');
    const warnings = [...raised, ...found];
    if (isQuantized) {
      const { written, operators } = await rewriteFile({ model, path, weights, signal });
      const note = 'the program is quantized already: it was converted as it is';
      return {
        text: `${path}: ${note}, ${size(sum(written.files))}`,
        facts: { files: written.files, warnings: [...warnings, note], operators },
      };
    }
    progress.step(`quantizing ${file}`);
    const { written, facts } = await toInt8({ model, path, weights, signal, ...how });
    return {
      text: `${path}: ${facts.quantized} operators quantized, ${size(sum(written.files))}`,
      facts: { files: written.files, warnings, ...facts },
    };
  });

/** The graph is a `.pt2` or an `.onnx`; its FP32 form is not written. */
async function carryOver(task: Task, from: string): Promise<FileOutcome> {
  const { file, path, weights, options, converting, job, progress, signal } = task;
  progress.step(`carrying INT8 over to ${file}`);
  const formats = [...QUANT_FORMAT_NAMES, ...QUANT_FORMAT_NAMES.flatMap((name) => [...QUANT_FORMATS[name].aliases])];
  const asked = choice(options, 'quant-format', { among: formats, fallback: job.quant_format?.[0] ?? DEFAULT_FORMAT });
  const made = await withSource(from, (quantized) =>
    transferFile({
      graph: file,
      options: converting,
      quantized,
      path,
      weights,
      recipe: choice(options, 'recipe', { among: RECIPE_NAMES, fallback: job.recipe ?? DEFAULT_RECIPE }),
      format: formatOf(asked),
      signal,
    }),
  );
  for (const warning of made.warnings) progress.note(`note: ${warning}`);
  const { modules, operators } = made.facts.transfer!;
  return {
    text: `${path}: ${modules.length} modules and ${operators} operators as PyTorch computes them, ${size(sum(made.written.files))}`,
    facts: { files: made.written.files, warnings: made.warnings, ...made.facts },
  };
}

const RECIPE_NAMES = Object.keys(RECIPES) as readonly RecipeName[];

const formatOf = (name: string): QuantFormat =>
  QUANT_FORMAT_NAMES.find((format) => format === name) ??
  QUANT_FORMAT_NAMES.find((format) => (QUANT_FORMATS[format].aliases as readonly string[]).includes(name))!;

const MAKERS: Readonly<Record<Role, (task: Task) => Promise<FileOutcome>>> = {
  reference: makeFp32,
  quantized: makeInt8,
};

async function toOnnx(task: Task, path: string, weights: Weights): Promise<ConvertedFile> {
  const { file, converting, progress, signal } = task;
  progress.step(`converting ${file}`);
  const converted = await withSource(file, (source) =>
    convertFile({
      source,
      path,
      options: converting,
      weights,
      signal,
    }),
  );
  for (const warning of converted.warnings) progress.note(`note: ${warning}`);
  return converted;
}

const sum = (files: readonly { bytes: number }[]): number => files.reduce((n, f) => n + f.bytes, 0);

/** Only what was given: the job may say the rest. */
function convertOptions(options: OptionValues): ConvertOptions {
  const opset = wholeNumber(options, 'opset');
  return {
    ...(opset === undefined ? {} : { opset_version: opset }),
    ...(options['guards'] === undefined
      ? {}
      : { guards: choice(options, 'guards', { among: GUARDS, fallback: 'report' }) }),
    ...(options['input-names'] === undefined ? {} : { input_names: names(options, 'input-names') }),
    ...(options['output-names'] === undefined ? {} : { output_names: names(options, 'output-names') }),
  };
}
