/** What a written model says of the files it was made of, in its metadata. */
import { type ByteSource, fileNameOf } from '../bytes/byte-source.ts';
import { hashSource } from '../bytes/hash-source.ts';
import type { Model } from '../onnx/ir.ts';
import { VERSION } from '../version.ts';

/** Keys of the model's metadata: the name of the file it was converted from, and its SHA-256 in hexadecimal. */
export const SOURCE = 'torchferry.source';
export const SOURCE_SHA256 = 'torchferry.source_sha256';
/** The same of the INT8 model of PyTorch whose codes it carries. */
export const QUANTIZED = 'torchferry.quantized_model';
export const QUANTIZED_SHA256 = 'torchferry.quantized_model_sha256';

/** Says who wrote the model, and which file it was converted from; what it says already of that stays. */
export async function nameSource(model: Model, source: ByteSource, signal?: AbortSignal): Promise<void> {
  model.producerName = 'torchferry';
  model.producerVersion = VERSION;
  if (model.metadata.has(SOURCE)) return;
  model.metadata.set(SOURCE, fileNameOf(source));
  model.metadata.set(SOURCE_SHA256, await hashSource(source, signal));
}

/** Says whose codes they are. */
export async function nameQuantized(model: Model, source: ByteSource, signal?: AbortSignal): Promise<void> {
  model.metadata.set(QUANTIZED, fileNameOf(source));
  model.metadata.set(QUANTIZED_SHA256, await hashSource(source, signal));
}
