/** What a written model says of the files it was made of, in its metadata. */
import { type ByteSource, fileNameOf } from '../bytes/byte-source.ts';
import { hashSource } from '../bytes/hash-source.ts';
import type { Model } from '../onnx/ir.ts';
import { VERSION } from '../version.ts';

/** Keys of the model's metadata: the name of the file it was converted from, and its SHA-256 in hexadecimal. */
export const SOURCE = 'torchferry.source';
export const SOURCE_SHA256 = 'torchferry.source_sha256';
/** Version id or ETag of an object whose SHA-256 nobody knows. */
export const SOURCE_VERSION = 'torchferry.source_version';
/** The same of the INT8 model of PyTorch whose codes it carries. */
export const QUANTIZED = 'torchferry.quantized_model';
export const QUANTIZED_SHA256 = 'torchferry.quantized_model_sha256';

/** The options it was made with, by their names in a job file, those that were not given too: JSON. */
export const JOB = 'torchferry.job';

export interface NameSourceOptions {
  /** What `torchferry.job` will say. */
  readonly job?: object | undefined;
  /** What is known of the source where it is not read as a whole: then nothing is hashed. */
  readonly content?: { readonly sha256: string | null; readonly version: string } | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Says who wrote the model, and which file it was converted from; what it says already of that stays. Returns the
 * SHA-256 of the source, where it is known.
 */
export async function nameSource(
  model: Model,
  source: ByteSource,
  how: NameSourceOptions = {},
): Promise<string | null> {
  model.producerName = 'torchferry';
  model.producerVersion = VERSION;
  const { content, job, signal } = how;
  if (job) nameJob(model, job);
  const sha256 = content ? content.sha256 : await hashSource(source, signal);
  if (model.metadata.has(SOURCE)) return sha256;
  model.metadata.set(SOURCE, fileNameOf(source));
  if (sha256 !== null) model.metadata.set(SOURCE_SHA256, sha256);
  else if (content) model.metadata.set(SOURCE_VERSION, content.version);
  return sha256;
}

/** Options that are neither undefined nor null, added to those that the model knows. */
export function nameJob(model: Model, job: object): void {
  const known = JSON.parse(model.metadata.get(JOB) ?? '{}') as object;
  const given = Object.entries(job).filter(([, value]) => value !== undefined && value !== null);
  model.metadata.set(JOB, JSON.stringify({ ...known, ...Object.fromEntries(given) }));
}

/** Says whose codes they are. */
export async function nameQuantized(model: Model, source: ByteSource, signal?: AbortSignal): Promise<void> {
  model.metadata.set(QUANTIZED, fileNameOf(source));
  model.metadata.set(QUANTIZED_SHA256, await hashSource(source, signal));
}
