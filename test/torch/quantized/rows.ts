/** Rows of the table as plain numbers, to compare with what PyTorch says. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { memorySource } from '../../../shared/bytes/byte-source.ts';
import type { TensorData } from '../../../shared/tensor/data.ts';
import { decodeNumbers } from '../../../shared/tensor/numbers.ts';
import type { QuantizedTensor } from '../../../shared/torch/quantized-weights.ts';
import type { QuantizedModel } from '../../../shared/torch/quantized/quantized-model.ts';
import { readQuantizedWeights } from '../../../shared/torch/quantized/read-state-dict.ts';

export const readFrom = (path: string): Promise<QuantizedModel> =>
  readQuantizedWeights(memorySource(path, readFileSync(path)));

export const numbers = async (data: TensorData): Promise<number[]> => [...decodeNumbers(data.dtype, await data.read())];

export const sha256 = async (data: TensorData): Promise<string> =>
  createHash('sha256')
    .update(await data.read())
    .digest('hex');

/** Scales as float32: PyTorch keeps some in float64 and computes in float32. */
export const float32 = (values: readonly number[]): number[] => values.map(Math.fround);

export interface WeightFacts {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly sha256: string;
  readonly axis: number | null;
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
}

export async function weightFacts({ codes, qparams }: QuantizedTensor): Promise<WeightFacts> {
  return {
    dtype: codes.dtype,
    shape: codes.shape,
    sha256: await sha256(codes),
    axis: qparams.granularity.kind === 'axis' ? qparams.granularity.axis : null,
    scales: await numbers(qparams.scale),
    zeroPoints: await numbers(qparams.zeroPoint!),
  };
}
