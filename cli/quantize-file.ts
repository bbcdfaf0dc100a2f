/** An ONNX file to an INT8 ONNX file, for the commands that make one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSource } from '../shared/bytes/byte-source.ts';
import { openModel } from '../shared/onnx/proto/read.ts';
import type { Weights } from '../shared/onnx/proto/placement.ts';
import { writeModel, type WrittenModel } from '../shared/onnx/proto/write.ts';
import { declaredOf } from '../shared/steps/declared.ts';
import { quantizeModel, type QuantizeRequest } from '../shared/quantize/quantize.ts';
import type { Quantization } from '../shared/report/report.ts';
import { readSamples } from '../shared/runtime/samples.ts';

export interface QuantizeFileRequest {
  readonly model: string;
  readonly path: string;
  /** Path of an .npz. */
  readonly calibration: string | undefined;
  readonly approach: QuantizeRequest['approach'];
  readonly format: QuantizeRequest['format'];
  readonly recipe?: QuantizeRequest['recipe'];
  readonly keepFloat?: readonly string[];
  /** Of the INT8 model; computed weights cannot be linked, so `link` embeds them. */
  readonly weights?: Weights;
  readonly signal: AbortSignal;
}

/** Samples of one calibration run. */
const CALIBRATION_BATCH = 16;

export async function quantizeFile(
  request: QuantizeFileRequest,
): Promise<{ written: WrittenModel; facts: Quantization }> {
  const {
    model: modelPath,
    path,
    calibration,
    approach,
    format,
    recipe,
    keepFloat,
    weights = 'embed',
    signal,
  } = request;
  const workFolder = mkdtempSync(join(tmpdir(), 'torchferry-'));
  const opened = await openModel(modelPath);
  const source = calibration === undefined ? null : fileSource(calibration);
  try {
    const samples =
      source && (await readSamples(source, declaredOf(opened.model.graph.inputs), { code: 'BadCalibrationData' }));
    const { model, facts } = await quantizeModel(opened.model, {
      approach,
      format,
      workFolder,
      ...(recipe === undefined ? {} : { recipe }),
      ...(keepFloat === undefined ? {} : { keepFloat }),
      ...(samples ? { calibration: samples.batches(CALIBRATION_BATCH), calibrationFile: samples.file } : {}),
    });
    return {
      written: await writeModel(model, path, { weights: weights === 'link' ? 'embed' : weights, signal }),
      facts,
    };
  } finally {
    source?.close();
    opened.close();
    rmSync(workFolder, { recursive: true, force: true });
  }
}
