/** The FP32 model in fewer bits: as the stage `quantize` makes it where a job says nothing. */
import { blobSource } from '../shared/bytes/blob-source.ts';
import { type ComputedApproach, DEFAULT_FORMAT, suffixOf } from '../shared/choices.ts';
import type { Model } from '../shared/onnx/ir.ts';
import type { ExternalData } from '../shared/onnx/proto/external-data.ts';
import { readModel } from '../shared/onnx/proto/read-model.ts';
import { type Quantized, quantizeModel, type QuantizeRequest } from '../shared/quantize/quantize.ts';
import { readSamples } from '../shared/runtime/samples.ts';
import { declaredOf } from '../shared/steps/declared.ts';
import type { QuantizedDtype, Result } from './messages.ts';
import { modelBlobs } from './model-blobs.ts';

export interface QuantizeOrder {
  readonly dtype: QuantizedDtype;
  /** The FP32 model, and the file of its weights where they do not fit into it. */
  readonly fp32: readonly Result[];
  /** Representative inputs, where a model can be run here. */
  readonly calibration: File | null;
  readonly owner: string | null;
}

export interface QuantizedResult extends Quantized {
  readonly results: readonly Result[];
}

export async function quantize({ dtype, fp32, calibration, owner }: QuantizeOrder): Promise<QuantizedResult> {
  const [onnx] = fp32;
  const source = blobSource(onnx!.name, onnx!.blob);
  const external: ExternalData = (location) => blobSource(location, fp32.find(({ name }) => name === location)!.blob);
  const model = await readModel(source, { external });
  const approach = approachOf(dtype, calibration);
  const quantized = await quantizeModel(model, {
    approach,
    format: DEFAULT_FORMAT,
    workFolder: '',
    ...(calibration && approach === 'static' ? await calibrationOf(model, calibration) : {}),
  });
  const name = onnx!.name.replace(/\.onnx$/, suffixOf(dtype));
  return { ...quantized, results: await modelBlobs(quantized.model, { name, source, blob: onnx!.blob, owner }) };
}

const approachOf = (dtype: QuantizedDtype, calibration: File | null): ComputedApproach =>
  dtype === 'int4' ? 'weight-only' : calibration ? 'static' : 'dynamic';

async function calibrationOf(
  model: Model,
  file: File,
): Promise<Pick<QuantizeRequest, 'calibration' | 'calibrationFile'>> {
  const inputs = declaredOf(model, 'inputs');
  const samples = await readSamples(blobSource(file.name, file), inputs, { code: 'BadCalibrationData' });
  return { calibration: samples.batches(1), calibrationFile: file.name };
}
