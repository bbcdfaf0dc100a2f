/** `torchferry convert`: PyTorch files to ONNX files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSource } from '../../shared/bytes/byte-source.ts';
import type { ConvertOptions } from '../../shared/convert/convert.ts';
import { convertFile } from '../../shared/steps/convert-file.ts';
import { WEIGHTS } from '../../shared/pipeline/job/job-schema.ts';
import type { Command, OptionValues } from '../command.ts';
import { modelFiles, outputPath } from '../files.ts';
import { convertOptionsOf, readJobFile } from '../job-options.ts';
import { eachFile } from '../outcomes.ts';
import { quantizeFile } from '../quantize-file.ts';
import { quantizeOptions } from './quantize.ts';
import { size } from '../sizes.ts';
import { choice, names, text, wholeNumber } from '../values.ts';

export const convert: Command = {
  summary: 'convert PyTorch models (.pt2) to ONNX, FP32 or INT8',
  usage:
    'torchferry convert <model>... [-o FILE|DIR] [--opset N] [--dtype fp32|int8] [--weights ' +
    'embed|pack|link] [--job FILE] [--json]',
  options: {
    output: { type: 'string', short: 'o', value: 'FILE|DIR', describe: 'where to write; default: beside the model' },
    opset: { type: 'string', value: 'N', describe: 'ONNX opset, 13 to 26' },
    dtype: {
      type: 'string',
      value: 'fp32|int8',
      describe: 'fp32 (default), or int8: quantized statically when the job names calibration data, else dynamically',
    },
    weights: {
      type: 'string',
      value: 'embed|pack|link',
      describe: 'in the .onnx (default), in a .data file beside it, or left in the .pt2',
    },
    job: { type: 'string', value: 'FILE', describe: 'a job file with further options' },
    'input-names': { type: 'string', value: 'A,B', describe: 'names for the inputs' },
    'output-names': { type: 'string', value: 'A,B', describe: 'names for the outputs' },
  },
  async run({ files, options, progress, signal }) {
    const models = modelFiles(files);
    const job = readJobFile(text(options, 'job'));
    return eachFile(models, progress, async (file) => {
      const dtype = choice(options, 'dtype', ['fp32', 'int8'], 'fp32');
      const path = outputPath(
        file,
        text(options, 'output'),
        models.length > 1,
        dtype === 'int8' ? '.int8.onnx' : '.onnx',
      );
      // An FP32 model that is only quantized lies where it goes away whole.
      const scratch = dtype === 'int8' ? mkdtempSync(join(tmpdir(), 'torchferry-')) : null;
      const fp32Path = scratch === null ? path : join(scratch, 'model.onnx');
      const weights = choice(options, 'weights', WEIGHTS, job.weights ?? 'embed');
      progress.step(`converting ${file}`);
      const source = fileSource(file);
      try {
        const converted = await convertFile({
          source,
          path: fp32Path,
          options: { ...convertOptionsOf(job), ...convertOptions(options) },
          weights: scratch === null ? weights : 'embed',
          signal,
        });
        for (const warning of converted.warnings) progress.note(`note: ${warning}`);
        if (dtype === 'fp32') {
          const { written, facts } = converted;
          return {
            text: `${path}: ${facts.onnxNodes} nodes, opset ${facts.opset}, ${size(sum(written.files))}`,
            facts: { files: written.files, warnings: converted.warnings, ...facts },
          };
        }
        progress.step(`quantizing ${file}`);
        const { written, facts } = await quantizeFile({
          model: fp32Path,
          path,
          weights,
          signal,
          ...quantizeOptions(options, job, file),
        });
        return {
          text: `${path}: ${facts.quantized} operators quantized, ${size(sum(written.files))}`,
          facts: { files: written.files, warnings: converted.warnings, ...facts },
        };
      } finally {
        source.close();
        if (scratch !== null) rmSync(scratch, { recursive: true, force: true });
      }
    });
  },
};

const sum = (files: readonly { bytes: number }[]): number => files.reduce((n, f) => n + f.bytes, 0);

/** Only what was given: the job may say the rest. */
function convertOptions(options: OptionValues): ConvertOptions {
  const opset = wholeNumber(options, 'opset');
  return {
    ...(opset === undefined ? {} : { opset_version: opset }),
    ...(options['input-names'] === undefined ? {} : { input_names: names(options, 'input-names') }),
    ...(options['output-names'] === undefined ? {} : { output_names: names(options, 'output-names') }),
  };
}
