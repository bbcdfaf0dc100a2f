/** `torchferry convert`: PyTorch files to ONNX files. */
import type { JobFile } from '../../shared/pipeline/job/job-schema.ts';
import { fail } from '../../shared/errors.ts';
import {
  type AskedDtype,
  ASKED_DTYPES,
  CARRIED_DTYPES,
  codeTypesOf,
  DEFAULT_CODE_TYPES,
  type Role,
  roleOf,
  suffixOf,
  variantDtypeOf,
  VARIANTS,
  WEIGHTS,
} from '../../shared/choices.ts';
import { weightsAt } from '../../shared/steps/quantized-pair.ts';
import { requireRuns } from '../../shared/steps/require-runs.ts';
import type { Command, OptionValues } from '../command.ts';
import { pathsOf, pytorchFiles } from '../files.ts';
import { besideModel, convertOptionsOf, readJobFile } from '../job-options.ts';
import { eachFile, type FileOutcome } from '../outcomes.ts';
import { outputPaths } from '../output-paths.ts';
import { choice, text } from '../values.ts';
import { CONVERT_OPTIONS, convertOptions } from './convert-options.ts';
import { carryOver } from '../convert/carried-over.ts';
import { makeFp32 } from '../convert/fp32.ts';
import { makeInt8 } from '../convert/int8.ts';
import type { Task } from '../convert/task.ts';

export const convert: Command = {
  usage:
    `torchferry convert <model>... [-o FILE|DIR] [--opset N] [--dtype ${ASKED_DTYPES.join('|')}] ` +
    `[--weights ${WEIGHTS.join('|')}] [--quantized best_model.pt] [--job FILE] [--json]`,
  options: CONVERT_OPTIONS,
  async run({ files, options, progress, signal }) {
    const models = pytorchFiles(files);
    const job = await readJobFile(text(options, 'job'));
    const { asked, known, wanted } = requestOf(models, { options, job });
    const dtype = variantDtypeOf(wanted);
    const pathOf = outputPaths(models, {
      output: text(options, 'output'),
      suffix: suffixOf(dtype),
      reads: [asked && weightsAt(asked), known, text(options, 'job')],
    });
    const examples = text(options, 'example-inputs');
    return eachFile(pathsOf(models), { progress, options }, async (file) => {
      const isCarried = isQuantizedDtype(wanted) && !VARIANTS[dtype].onlyWeights;
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

interface Request {
  /** The INT8 model of PyTorch named on the command line. */
  readonly asked: string | undefined;
  /** What it computes. */
  readonly known: string | undefined;
  readonly wanted: AskedDtype;
}

/** What does not go together is refused before any work. */
function requestOf(models: readonly unknown[], { options, job }: { options: OptionValues; job: JobFile }): Request {
  const asked = text(options, 'quantized');
  const known = text(options, 'int8-reference');
  const wanted = choice(options, 'dtype', {
    among: ASKED_DTYPES,
    fallback:
      asked === undefined
        ? 'fp32'
        : (job.dtype?.find((d) => isQuantizedDtype(d) && CARRIED_DTYPES.includes(d)) ?? 'int8'),
  });
  const dtype = variantDtypeOf(wanted);
  if (asked !== undefined && models.length > 1) {
    const problem = `--quantized goes with one model, not ${models.length}`;
    fail('WrongUsage', { problem, hint: 'convert them one by one' });
  }
  if (asked !== undefined && (!isQuantizedDtype(wanted) || VARIANTS[dtype].onlyWeights)) {
    const problem = `--quantized makes an INT8 model, --dtype asks for ${dtype}`;
    fail('WrongUsage', { problem, hint: 'leave one of them out' });
  }
  if (known !== undefined && asked === undefined && job.quantized_model === undefined) {
    const problem = "--int8-reference is what PyTorch's INT8 computes, and there is no such model";
    fail('WrongUsage', { problem, hint: 'add --quantized best_model.pt' });
  }
  return { asked, known, wanted };
}

const isQuantizedDtype = (wanted: AskedDtype): boolean => roleOf(variantDtypeOf(wanted)) === 'quantized';

function requireDefaultCodes(wanted: AskedDtype): void {
  if (codeTypesOf(wanted) === DEFAULT_CODE_TYPES) return;
  fail('WrongUsage', {
    problem: `--dtype ${wanted} names the integers of an INT8 model of PyTorch, and there is none`,
    hint: 'add --quantized best_model.pt, or say --dtype int8',
  });
}

const MAKERS: Readonly<Record<Role, (task: Task) => Promise<FileOutcome>>> = {
  reference: makeFp32,
  quantized: makeInt8,
};
