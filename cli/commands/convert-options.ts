/** The options of `convert`, and what those of the conversion say. Fields of Torch2ONNXConfig keep their names. */
import {
  ASKED_DTYPES,
  DYNAMIC_ACTIVATION_NAMES,
  GUARDS,
  NAN,
  QUANT_FORMAT_NAMES,
  WEIGHTS,
} from '../../shared/choices.ts';
import type { ConvertOptions } from '../../shared/convert/convert.ts';
import { parseJob } from '../../shared/pipeline/job/parse-job.ts';
import type { Command, OptionValues } from '../command.ts';
import { choice, names, text, wholeNumber } from '../values.ts';

export const CONVERT_OPTIONS = {
  output: { type: 'string', short: 'o', value: 'FILE|DIR', describe: 'where to write; default: beside the model' },
  opset: { type: 'string', value: 'N', describe: 'ONNX opset, 13 to 26; an older one is raised for INT8' },
  'opset-version': { type: 'string', value: 'N', describe: 'the same as --opset' },
  dtype: {
    type: 'string',
    value: ASKED_DTYPES.join('|'),
    describe:
      'fp32 (default), or int8: quantized statically when the job names calibration data, else dynamically; ' +
      'or int4: weights alone, in blocks; ' +
      'with --quantized also U8S8 (the same as int8), S8S8 or U8U8, which name the integers',
  },
  weights: {
    type: 'string',
    value: WEIGHTS.join('|'),
    describe: 'in the .onnx (default), in a .data file beside it, or left in the .pt2',
  },
  quantized: {
    type: 'string',
    value: 'FILE|DIR',
    describe:
      "the INT8 model PyTorch made of it (Neural Compressor's best_model.pt, or the folder it saved): its codes and " +
      'scales are kept',
  },
  'int8-reference': {
    type: 'string',
    value: 'NPZ',
    describe: "with --quantized: inputs and what PyTorch's INT8 computes of them; how many samples equal it is said",
  },
  'quant-format': { type: 'string', value: QUANT_FORMAT_NAMES.join('|'), describe: 'form of an INT8 model' },
  recipe: { type: 'string', value: 'NAME', describe: 'how the bias of a quantized Linear is added' },
  'dynamic-activations': {
    type: 'string',
    value: DYNAMIC_ACTIVATION_NAMES.join('|'),
    describe: 'dynamic modules of an INT8 model of PyTorch: 7 bits, its numbers (torch, default), or 8 bits (onnx)',
  },
  guards: {
    type: 'string',
    value: GUARDS.join('|'),
    describe: 'conditions on input sizes: said (default), or also checked by the model at every run',
  },
  nan: {
    type: 'string',
    value: NAN.join('|'),
    describe: 'operators that lose NaN in onnxruntime: named (default), or written so that they carry it',
  },
  job: { type: 'string', value: 'FILE', describe: 'a job file with further options' },
  'input-names': { type: 'string', value: 'A,B', describe: 'names for the inputs' },
  'output-names': { type: 'string', value: 'A,B', describe: 'names for the outputs' },
  'dynamic-axes': {
    type: 'string',
    value: 'JSON',
    describe: 'names for dynamic dimensions: {"input": {"0": "batch"}}',
  },
  'example-inputs': { type: 'string', value: 'FILE', describe: 'an .npz of inputs the written model is run with' },
} as const satisfies Command['options'];

/** Only what was given: the job may say the rest. */
export function convertOptions(options: OptionValues): ConvertOptions {
  const opset = wholeNumber(options, 'opset-version') ?? wholeNumber(options, 'opset');
  const axes = text(options, 'dynamic-axes');
  return {
    ...(opset === undefined ? {} : { opset_version: opset }),
    ...(options['guards'] === undefined
      ? {}
      : { guards: choice(options, 'guards', { among: GUARDS, fallback: 'report' }) }),
    ...(options['nan'] === undefined ? {} : { nan: choice(options, 'nan', { among: NAN, fallback: 'fast' }) }),
    ...(options['input-names'] === undefined ? {} : { input_names: names(options, 'input-names') }),
    ...(options['output-names'] === undefined ? {} : { output_names: names(options, 'output-names') }),
    ...(axes === undefined ? {} : parseJob('--dynamic-axes', `{"dynamic_axes": ${axes}}`)),
  };
}
