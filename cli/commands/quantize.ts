/** `torchferry quantize`: INT8 from any ONNX model. */
import { ASKED_RECIPES } from '../../shared/quantize/recipe.ts';
import {
  BLOCK_SIZES,
  COMPUTED_APPROACHES,
  DEFAULT_WEIGHT_ONLY,
  PROCESSOR_NAMES,
  QUANT_TYPE_NAMES,
  QUANT_FORMAT_NAMES,
  suffixOf,
  WEIGHT_ALGORITHM_NAMES,
  WEIGHT_BITS,
  WEIGHT_TYPE_NAMES,
} from '../../shared/choices.ts';
import { OBSERVER_NAMES } from '../../shared/quantize/observers/index.ts';
import { blocksText } from '../../shared/report/blocks.ts';
import { STAGE_SECONDS } from '../../local/stage-process.ts';
import type { Command } from '../command.ts';
import { onnxFiles, pathsOf } from '../files.ts';
import { readJobFile } from '../job-options.ts';
import { kernelLines } from '../kernel-lines.ts';
import { eachFile } from '../outcomes.ts';
import { outputPaths } from '../output-paths.ts';
import { size } from '../sizes.ts';
import { toInt8 } from '../to-int8.ts';
import { dtypeOf, quantizeOptions } from './quantize-options.ts';
import { timeLimitIn, timeLimitOption } from '../time-limit.ts';
import { isTuned, requireNoTuning, toTuned, tuningLines } from '../tuned.ts';
import { TUNING_OPTIONS } from '../tuning-options.ts';
import { text } from '../values.ts';

export const quantize: Command = {
  usage:
    `torchferry quantize <model.onnx>... [-o FILE|DIR] [--approach ${COMPUTED_APPROACHES.join('|')}] ` +
    `[--calibration NPZ|DIR] [--calibrate-method M] [--quant-format ${QUANT_FORMAT_NAMES.join('|')}] [--recipe R] ` +
    `[--processor ${PROCESSOR_NAMES.join('|')}] [--reduce-range] [--per-tensor] [--quantize-all] ` +
    `[--op-types-to-quantize A,B] [--nodes-to-exclude A,B] [--extra-options JSON] [--smooth-quant auto|N] ` +
    `[--cross-layer-equalization] [--bias-correction] [--bits ${WEIGHT_BITS.join('|')}] ` +
    `[--block-size ${BLOCK_SIZES.join('|')}] [--symmetric] [--algorithm ${WEIGHT_ALGORITHM_NAMES.join('|')}] ` +
    '[--embeddings] [--recipe auto [--max-drop N] [--metric M] [--test-data NPZ] [--trials N] [--seconds N]] ' +
    '[--job FILE] [--json]',
  options: {
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE|DIR',
      describe: 'where to write; default: <model>.int8.onnx (or .int4) beside the model',
    },
    approach: {
      type: 'string',
      value: COMPUTED_APPROACHES.join('|'),
      describe: 'default: static with calibration data, else dynamic; an option of weight-only asks for that',
    },
    calibration: {
      type: 'string',
      value: 'NPZ|DIR',
      describe:
        'representative inputs; a folder of .npz or .npy files has some of them in each; default: ' +
        '<model>.calibration.npz beside the model',
    },
    'quant-format': {
      type: 'string',
      value: QUANT_FORMAT_NAMES.join('|'),
      describe: 'form of a static or weight-only model',
    },
    'calibrate-method': {
      type: 'string',
      value: OBSERVER_NAMES.join('|'),
      describe: 'how ranges of activations are found',
    },
    recipe: {
      type: 'string',
      value: 'NAME',
      describe:
        `how the bias of a quantized Linear is computed: ${ASKED_RECIPES.join(', ')}; auto tries all that is left ` +
        'open, and takes the fastest that is accurate enough',
    },
    processor: {
      type: 'string',
      value: PROCESSOR_NAMES.join('|'),
      describe: 'where it will run; "any" keeps sums exact on x64 without VNNI, the others use the full range',
    },
    'activation-type': { type: 'string', value: QUANT_TYPE_NAMES.join('|'), describe: 'codes of activations' },
    'weight-type': { type: 'string', value: WEIGHT_TYPE_NAMES.join('|'), describe: 'codes of weights' },
    'reduce-range': { type: 'boolean', describe: 'seven-bit weights' },
    'per-tensor': { type: 'boolean', describe: 'one scale for all channels of a weight (per_channel false)' },
    'quantize-all': { type: 'boolean', describe: 'every operator with an integer form, attention products too' },
    'nodes-to-quantize': { type: 'string', value: 'A,B', describe: 'names of nodes: no others' },
    'nodes-to-exclude': { type: 'string', value: 'A,B', describe: 'names of nodes to leave in float' },
    'op-types-to-quantize': { type: 'string', value: 'A,B', describe: 'operators: no others' },
    'extra-options': {
      type: 'string',
      value: 'JSON',
      describe: 'of onnxruntime\'s tool, by its names: {"ActivationSymmetric": true}',
    },
    'smooth-quant': {
      type: 'string',
      value: 'auto|N',
      describe: 'SmoothQuant with this alpha, 0 to 1; auto: by layer, what loses least on calibration data',
    },
    'cross-layer-equalization': {
      type: 'boolean',
      describe: 'makes channels between layers as large as their weights',
    },
    'bias-correction': { type: 'boolean', describe: 'takes back by biases what layers are off in the mean' },
    bits: { type: 'string', value: WEIGHT_BITS.join('|'), describe: 'weight-only: of a weight' },
    'block-size': {
      type: 'string',
      value: BLOCK_SIZES.join('|'),
      describe: `weight-only: how many weights share a scale; default: ${DEFAULT_WEIGHT_ONLY.blockSize}`,
    },
    'group-size': { type: 'string', value: 'N', describe: 'the same as --block-size' },
    symmetric: { type: 'boolean', describe: 'weight-only: no zero points' },
    algorithm: {
      type: 'string',
      value: WEIGHT_ALGORITHM_NAMES.join('|'),
      describe: `weight-only: how scales and codes are found; default: ${DEFAULT_WEIGHT_ONLY.algorithm}`,
    },
    embeddings: { type: 'boolean', describe: 'weight-only: also tables that are looked up by row' },
    'test-data': { type: 'string', value: 'NPZ', describe: 'recipe auto: inputs and labels that trials are judged on' },
    labels: { type: 'string', value: 'NAME', describe: 'array of labels in the test data; default: y' },
    ...TUNING_OPTIONS,
    ...timeLimitOption('each model that calibration or a trial runs', STAGE_SECONDS),
    job: { type: 'string', value: 'FILE', describe: 'a job file with further options' },
  },
  async run({ files, options, progress, signal }) {
    const models = onnxFiles(files);
    const job = await readJobFile(text(options, 'job'));
    const dtype = dtypeOf(options, job);
    if (!isTuned(options, job, dtype)) requireNoTuning(options);
    const seconds = timeLimitIn(options, STAGE_SECONDS);
    const pathOf = outputPaths(models, {
      output: text(options, 'output'),
      suffix: suffixOf(dtype),
      reads: [text(options, 'calibration'), text(options, 'test-data'), text(options, 'job')],
    });
    return eachFile(pathsOf(models), { progress, options }, async (file) => {
      const path = pathOf(file);
      progress.step(`quantizing ${file}`);
      const made = { model: file, path, weights: 'embed', signal, seconds, progress } as const;
      const { written, facts, warnings, kernels } = isTuned(options, job, dtype)
        ? await toTuned({ ...made, file, options, job })
        : await toInt8({ ...made, ...quantizeOptions(options, job, { model: file, dtype, progress }) });
      for (const warning of warnings) progress.note(`note: ${warning}`);
      const bytes = written.files.reduce((n, f) => n + f.bytes, 0);
      const counts = `${facts.quantized} operators quantized, ${facts.skipped.length} left in float`;
      return {
        text: [
          `${path}: ${counts}, ${size(bytes)}`,
          ...(facts.tuning ? tuningLines(facts.tuning).map((line) => `  ${line}`) : []),
          ...(facts.blocks ? [`  ${blocksText(facts.blocks)}`] : []),
          ...kernelLines(kernels).map((line) => `  ${line}`),
        ].join('\n'),
        facts: { files: written.files, warnings, ...facts, kernels },
      };
    });
  },
};
