/** `torchferry convert` to integers: by our own quantizer, or as the program is quantized already. */
import { join } from 'node:path';
import { STAGE_SECONDS } from '../../local/stage-process.ts';
import { variantDtypeOf } from '../../shared/choices.ts';
import { opsetForInt8 } from '../../shared/onnx/opset.ts';
import { rewriteFile } from '../../shared/steps/rewrite-file.ts';
import { readNpz } from '../../shared/tensor/npz.ts';
import { withCalibration } from '../calibration.ts';
import { type FileOutcome } from '../outcomes.ts';
import { size } from '../sizes.ts';
import { inTemporaryFolder } from '../temporary-folder.ts';
import { isTuned, toTuned, tuningLines } from '../tuned.ts';
import { quantizeOptions } from '../commands/quantize-options.ts';
import { toInt8 } from '../to-int8.ts';
import { bytesOf, type Task, toOnnx } from './task.ts';

/** An FP32 model that is only quantized lies where it goes away whole. */
export const makeInt8 = (task: Task): Promise<FileOutcome> =>
  inTemporaryFolder(async (folder) => {
    const { file, path, weights, options, job, progress, signal } = task;
    const model = join(folder, 'model.onnx');
    const dtype = variantDtypeOf(task.wanted);
    const isTried = isTuned(options, job, dtype);
    const how = quantizeOptions(options, job, { model: file, dtype, progress });
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
        text: `${path}: ${note}, ${size(bytesOf(written.files))}`,
        facts: { files: written.files, warnings: [...warnings, note], operators },
      };
    }
    progress.step(`quantizing ${file}`);
    const made = { model, path, weights, signal, seconds: STAGE_SECONDS, progress };
    const {
      written,
      facts,
      warnings: more,
    } = isTried ? await toTuned({ ...made, file, options, job }) : await toInt8({ ...made, ...how });
    for (const warning of more) progress.note(`note: ${warning}`);
    return {
      text: [
        `${path}: ${facts.quantized} operators quantized, ${size(bytesOf(written.files))}`,
        ...(facts.tuning ? tuningLines(facts.tuning).map((line) => `  ${line}`) : []),
      ].join('\n'),
      facts: { files: written.files, warnings: [...warnings, ...more], ...facts },
    };
  });
