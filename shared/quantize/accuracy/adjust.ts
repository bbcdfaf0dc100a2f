/** What a request asks for so that quantization loses less, and the part of it that changes the FP32 model. */
import { type AdjustmentName, ADJUSTMENTS, type SmoothQuant } from '../../choices.ts';
import { fail } from '../../errors.ts';
import type { Model } from '../../onnx/ir.ts';
import type { Batch } from '../../runtime/samples.ts';
import type { MemoryTensors } from '../../runtime/session.ts';
import type { Plan } from '../plan.ts';
import { equalizeLayers } from './equalize.ts';
import { orderChannels } from './order-channels.ts';
import { type Smoothed, smoothModel } from './smooth-quant.ts';

/** What is left out is not done. */
export interface AccuracyChoice {
  readonly crossLayerEqualization?: boolean;
  readonly smoothQuant?: SmoothQuant;
  readonly biasCorrection?: boolean;
}

export interface CalibrationRequest {
  readonly calibration?: AsyncIterable<Batch>;
  readonly calibrationFile?: string;
  readonly workFolder: string;
}

/** Also the order of channels, which nobody has to ask for. The function of the FP32 model stays. `plan` says which layers are to be quantized. */
export async function adjustModel(
  model: Model,
  plan: Plan,
  { crossLayerEqualization, smoothQuant, ...request }: AccuracyChoice & CalibrationRequest,
): Promise<Smoothed> {
  const equalized = crossLayerEqualization ? await equalizeLayers(model.graph, plan) : [];
  const { adjustments, inserted } = smoothQuant
    ? await smoothModel(model, { plan, ...smoothQuant, ...dataFor('smooth_quant', request) })
    : NOT_SMOOTHED;
  const ordered = await orderChannels(model.graph, plan);
  return { adjustments: [...equalized, ...adjustments, ...ordered], inserted };
}

const NOT_SMOOTHED: Smoothed = { adjustments: [], inserted: new Map() };

export interface Data {
  readonly batches: AsyncIterable<MemoryTensors>;
  /** Where the batches come from, for messages. */
  readonly file: string;
  readonly workFolder: string;
}

/** The calibration data, or a refusal that says what wants them. */
export function dataFor(
  method: AdjustmentName,
  { calibration, calibrationFile, workFolder }: CalibrationRequest,
): Data {
  const file = calibrationFile ?? 'calibration data';
  if (!calibration)
    return fail('BadCalibrationData', {
      file,
      problem: 'there is none',
      expected: `sample inputs, on which ${ADJUSTMENTS[method].title} measures the layers`,
    });
  const batches = {
    async *[Symbol.asyncIterator](): AsyncGenerator<MemoryTensors> {
      for await (const { feeds } of calibration) yield feeds;
    },
  };
  return { batches, file, workFolder };
}
