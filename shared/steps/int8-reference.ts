/** A quantized `.onnx` beside what PyTorch's INT8 computes: a `.int8.reference.npz` through the file as it is written. */
import type { ByteSource } from '../bytes/byte-source.ts';
import type { Model } from '../onnx/ir.ts';
import { everyNode } from '../onnx/match.ts';
import { openModel } from '../onnx/proto/read.ts';
import { isIntegerKernel } from '../onnx/runtime-facts/integer-kernels.ts';
import type { EqualSamples } from '../report/report.ts';
import type { Transfer } from '../report/quantization.ts';
import { equalSamples } from '../runtime/equal-samples.ts';
import type { HostProcessor } from '../runtime/host-processor.ts';
import { type SessionOptions, withSession } from '../runtime/session.ts';
import { declaredOf } from './declared.ts';

export interface Int8Reference {
  readonly source: ByteSource;
  /** How far apart two numbers are that count as equal. */
  readonly atol: number;
}

/** Ranges found at run time are float32 sums of another order: what they scale differs in its last digits. */
export const atolOf = (transfer: Pick<Transfer, 'activations'> | undefined): number =>
  (transfer?.activations ?? null) === null ? 1e-6 : 1e-5;

/** `model`: path of the `.onnx`. Fails with BadReferenceData for arrays that do not fit it. */
export async function compareWithInt8(
  model: string,
  { source, atol }: Int8Reference,
  host: HostProcessor,
): Promise<EqualSamples> {
  const { model: file, close } = await openModel(model);
  close();
  const inputs = declaredOf(file, 'inputs');
  const isTyped = file.graph.outputs.every(({ type }) => type !== null);
  return withSession(model, asWritten(file, host), (session) =>
    equalSamples(session, { source, inputs, outputs: isTyped ? declaredOf(file, 'outputs') : session.outputs, atol }),
  );
}

/**
 * The file is judged, not what an optimizer makes of it, which rounds biases: without optimizations. Integer kernels
 * saturate then on x64 without VNNI, where they are replaced by exact ones.
 */
export const asWritten = ({ graph }: Model, { addsPairsIn16Bits }: HostProcessor): SessionOptions =>
  addsPairsIn16Bits && [...everyNode(graph)].some(isIntegerKernel) ? { products: 'precise' } : { optimize: 'none' };
