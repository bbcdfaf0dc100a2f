/** An FP32 ONNX file to an INT8 ONNX file: open, calibrate where there is data, quantize, write. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { requireOutput } from '../bytes/output-file.ts';
import type { Weights } from '../choices.ts';
import { openModel } from '../onnx/proto/read.ts';
import { writeModel, type WrittenModel } from '../onnx/proto/write.ts';
import { type QuantizedLayer, quantizeModel, type QuantizeRequest } from '../quantize/quantize.ts';
import type { OperatorCount } from '../report/report.ts';
import type { Quantization } from '../report/quantization.ts';
import { readSampleFiles } from '../runtime/sample-files.ts';
import { type Batch, readSamples, type Samples } from '../runtime/samples.ts';
import { toldBatches } from '../runtime/told-batches.ts';
import type { Declared } from '../runtime/session.ts';
import { declaredOf } from './declared.ts';
import { operatorCounts } from './model-facts.ts';
import { requireOnnx } from './onnx-model.ts';
import { nameJob } from './origin.ts';

export interface QuantizeFileRequest extends Omit<QuantizeRequest, 'calibration' | 'calibrationFile'> {
  /** Path of the FP32 `.onnx`; weights may lie beside it. */
  readonly model: string;
  /** Where the INT8 `.onnx` is written. */
  readonly path: string;
  /** Representative inputs. */
  readonly calibration?: CalibrationData | undefined;
  /** Of the INT8 model; computed weights have nothing to be linked to, so `link` embeds them. */
  readonly weights: Weights;
  /** Options for the metadata, besides those that the FP32 model has there. */
  readonly job?: object | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type CalibrationData = {
  /** What messages and the report call it. */
  readonly name: string;
} & (
  | { /** An .npz. */ readonly source: ByteSource }
  | { /** Those of a folder: .npz and .npy. */ readonly files: readonly string[] }
);

export interface QuantizedFile {
  readonly written: WrittenModel;
  readonly facts: Quantization;
  readonly operators: readonly OperatorCount[];
  readonly layers: readonly QuantizedLayer[];
  readonly warnings: readonly string[];
}

// Ranges are the same for any size; memory grows with it and time does not shrink.
const CALIBRATION_BATCH = 1;

export async function quantizeFile(request: QuantizeFileRequest): Promise<QuantizedFile> {
  const { model: file, path, calibration, weights, job, signal, ...how } = request;
  requireOutput(path, [file]);
  await requireOnnx(file);
  const opened = await openModel(file);
  try {
    const inputs = declaredOf(opened.model, 'inputs');
    const samples = calibration && (await calibrationSamples(calibration, inputs));
    const told = (batches: AsyncIterable<Batch>): AsyncIterable<Batch> =>
      how.tell ? toldBatches(batches, { doing: 'calibrating', of: samples!.count, tell: how.tell }) : batches;
    const { model, facts, layers, warnings } = await quantizeModel(opened.model, {
      ...how,
      ...(samples
        ? { calibration: told(until(signal, samples.batches(CALIBRATION_BATCH))), calibrationFile: calibration.name }
        : {}),
    });
    signal?.throwIfAborted();
    if (job) nameJob(model, job);
    const written = await writeModel(model, path, {
      weights: weights === 'link' ? 'embed' : weights,
      tell: how.tell,
      ...(signal ? { signal } : {}),
    });
    return { written, facts, layers, operators: operatorCounts(model), warnings: [...warnings, ...written.warnings] };
  } finally {
    opened.close();
  }
}

export const calibrationSamples = (data: CalibrationData, inputs: readonly Declared[]): Promise<Samples> =>
  'files' in data
    ? readSampleFiles({ folder: data.name, files: data.files }, inputs, 'BadCalibrationData')
    : readSamples(data.source, inputs, { code: 'BadCalibrationData' });

/** As often as it is iterated: observers may want several rounds. */
export const until = (signal: AbortSignal | undefined, batches: AsyncIterable<Batch>): AsyncIterable<Batch> => ({
  async *[Symbol.asyncIterator]() {
    for await (const batch of batches) {
      signal?.throwIfAborted();
      yield batch;
    }
  },
});
