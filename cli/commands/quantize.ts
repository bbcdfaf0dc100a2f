/** `torchferry quantize`: INT8 from any ONNX model. */
import { DEFAULT_RECIPE, type RecipeChoice, type RecipeName, RECIPES } from '../../shared/quantize/recipe.ts';
import { isFailure } from '../../shared/errors.ts';
import {
  approachFor,
  COMPUTED_APPROACHES,
  DEFAULT_FORMAT,
  DEFAULT_PROCESSOR,
  DEFAULT_QUANT_TYPES,
  PROCESSOR_NAMES,
  QUANT_TYPE_NAMES,
  QUANT_FORMAT_NAMES,
  suffixOf,
} from '../../shared/choices.ts';
import { recipeChoice } from '../../shared/pipeline/job/job.ts';
import type { JobFile } from '../../shared/pipeline/job/job-schema.ts';
import { inTodaysWords } from '../../shared/pipeline/job/old-spellings.ts';
import type { QuantizedOperator } from '../../shared/report/report.ts';
import { integerKernels } from '../../shared/steps/integer-kernels.ts';
import { quantizeFile, type QuantizedFile, type QuantizeFileRequest } from '../../shared/steps/quantize-file.ts';
import { withCalibration } from '../calibration.ts';
import type { Command, OptionValues } from '../command.ts';
import { onnxFiles, pathsOf } from '../files.ts';
import { besideModel, readJobFile } from '../job-options.ts';
import { kernelLines } from '../kernel-lines.ts';
import { eachFile } from '../outcomes.ts';
import { outputPaths } from '../output-paths.ts';
import { size } from '../sizes.ts';
import { inTemporaryFolder } from '../temporary-folder.ts';
import { choice, quantFormat, text } from '../values.ts';

const RECIPE_NAMES = Object.keys(RECIPES) as readonly RecipeName[];

export const quantize: Command = {
  summary: 'quantize ONNX models to INT8',
  usage:
    `torchferry quantize <model.onnx>... [-o FILE|DIR] [--approach ${COMPUTED_APPROACHES.join('|')}] ` +
    `[--calibration NPZ|DIR] [--quant-format ${QUANT_FORMAT_NAMES.join('|')}] [--recipe R] ` +
    `[--processor ${PROCESSOR_NAMES.join('|')}] [--reduce-range] [--quantize-all] [--job FILE] [--json]`,
  options: {
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE|DIR',
      describe: 'where to write; default: <model>.int8.onnx beside the model',
    },
    approach: {
      type: 'string',
      value: COMPUTED_APPROACHES.join('|'),
      describe: 'default: static with calibration data, else dynamic',
    },
    calibration: {
      type: 'string',
      value: 'NPZ|DIR',
      describe: 'representative inputs; a folder of .npz or .npy files has some of them in each',
    },
    'quant-format': { type: 'string', value: QUANT_FORMAT_NAMES.join('|'), describe: 'form of a static INT8 model' },
    recipe: {
      type: 'string',
      value: 'NAME',
      describe: `how the bias of a quantized Linear is computed: ${RECIPE_NAMES.join(', ')}`,
    },
    processor: {
      type: 'string',
      value: PROCESSOR_NAMES.join('|'),
      describe: 'where it will run; "any" keeps sums exact on x64 without VNNI, the others use the full range',
    },
    'activation-type': { type: 'string', value: QUANT_TYPE_NAMES.join('|'), describe: 'codes of activations' },
    'weight-type': { type: 'string', value: QUANT_TYPE_NAMES.join('|'), describe: 'codes of weights' },
    'reduce-range': { type: 'boolean', describe: 'seven-bit weights' },
    'quantize-all': { type: 'boolean', describe: 'every operator with an integer form, attention products too' },
    job: { type: 'string', value: 'FILE', describe: 'a job file with further options' },
  },
  async run({ files, options, progress, signal }) {
    const models = onnxFiles(files);
    const job = await readJobFile(text(options, 'job'));
    const pathOf = outputPaths(models, {
      output: text(options, 'output'),
      suffix: suffixOf('int8'),
      reads: [text(options, 'calibration'), text(options, 'job')],
    });
    return eachFile(pathsOf(models), { progress, options }, async (file) => {
      const path = pathOf(file);
      progress.step(`quantizing ${file}`);
      const { written, facts, warnings } = await toInt8({
        model: file,
        path,
        weights: 'embed',
        signal,
        ...quantizeOptions(options, job, file),
      });
      for (const warning of warnings) progress.note(`note: ${warning}`);
      const bytes = written.files.reduce((n, f) => n + f.bytes, 0);
      const counts = `${facts.quantized} operators quantized, ${facts.skipped.length} left in float`;
      const kernels = await kernelsOf(path, (reason) => progress.note(`note: ${reason}`));
      return {
        text: [`${path}: ${counts}, ${size(bytes)}`, ...kernelLines(kernels).map((line) => `  ${line}`)].join('\n'),
        facts: { files: written.files, warnings, ...facts, kernels },
      };
    });
  },
};

/** The model is written, and may be for another runtime than the one here: that it does not load is told, no more. */
async function kernelsOf(path: string, tell: (reason: string) => void): Promise<readonly QuantizedOperator[]> {
  try {
    return await inTemporaryFolder((folder) => integerKernels(path, folder));
  } catch (error) {
    if (!isFailure(error)) throw error;
    tell(error.message);
    return [];
  }
}

type QuantizeOptions = Pick<QuantizeFileRequest, 'approach' | 'format' | 'keepFloat'> &
  RecipeChoice & {
    /** Path of an .npz, or of a folder of them. */
    readonly calibration: string | undefined;
  };

type Int8Request = QuantizeOptions & Pick<QuantizeFileRequest, 'model' | 'path' | 'weights' | 'signal'>;

/** Quantize with the calibration data open and a folder for what is made on the way. */
export const toInt8 = ({ calibration, ...request }: Int8Request): Promise<QuantizedFile> =>
  inTemporaryFolder((workFolder) =>
    withCalibration(calibration, (data) => quantizeFile({ ...request, workFolder, calibration: data })),
  );

/** Options of the command line win over the job's. */
export function quantizeOptions(options: OptionValues, job: JobFile, model: string): QuantizeOptions {
  const calibration =
    text(options, 'calibration') ?? (job.calibration === undefined ? undefined : besideModel(model, job.calibration));
  return {
    calibration,
    approach: choice(options, 'approach', {
      among: COMPUTED_APPROACHES,
      fallback: job.approach ?? approachFor(calibration !== undefined),
    }),
    format: quantFormat(options, job.quant_format?.[0] ?? DEFAULT_FORMAT),
    ...recipeOptions(options, job),
    ...(job.keep_float === undefined ? {} : { keepFloat: job.keep_float }),
  };
}

function recipeOptions(options: OptionValues, job: JobFile): RecipeChoice {
  const recipe = text(options, 'recipe');
  const given = inTodaysWords({
    ...(recipe === undefined ? {} : { recipe }),
    ...(options['reduce-range'] === true ? { reduce_range: true } : {}),
    ...(options['quantize-all'] === true ? { quantize_all: true } : {}),
  });
  return recipeChoice({
    recipe: choice({ recipe: given['recipe'] as string | undefined }, 'recipe', {
      among: RECIPE_NAMES,
      fallback: job.recipe ?? DEFAULT_RECIPE,
    }),
    processor: choice(options, 'processor', {
      among: PROCESSOR_NAMES,
      fallback: job.processor ?? DEFAULT_PROCESSOR,
    }),
    activation_type: choice(options, 'activation-type', {
      among: QUANT_TYPE_NAMES,
      fallback: job.activation_type ?? DEFAULT_QUANT_TYPES.activation,
    }),
    weight_type: choice(options, 'weight-type', {
      among: QUANT_TYPE_NAMES,
      fallback: job.weight_type ?? DEFAULT_QUANT_TYPES.weight,
    }),
    reduce_range: given['reduce_range'] === true || job.reduce_range === true,
    quantize_all: given['quantize_all'] === true || job.quantize_all === true,
  });
}
