/** Trials of a tuning as a file, from which another start goes on. */
import { createHash } from 'node:crypto';
import { fileSource } from '../bytes/file-source.ts';
import { hashSource } from '../bytes/hash-source.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import { isTensor, modelParts } from '../onnx/proto/parts.ts';
import { openModel } from '../onnx/proto/read.ts';
import { readJson, writeJson } from '../report/json.ts';
import type { Trial } from '../report/quantization.ts';

/** Where the text lies; a reader sees the old one or the whole new one. */
export interface HistoryFile {
  /** null: there is none. */
  read(): Promise<string | null>;
  write(text: string): Promise<void>;
}

export interface History {
  readonly earlier: readonly Trial[];
  record(trials: readonly Trial[]): Promise<void>;
}

/** `subject` is what trials are of: those of another count for nothing, and their file is written over. */
export async function openHistory(file: HistoryFile | undefined, subject: unknown): Promise<History> {
  if (!file) return { earlier: [], record: () => Promise.resolve() };
  const fingerprint = createHash('sha256').update(writeJson(subject)).digest('hex');
  return {
    earlier: trialsIn(await file.read(), fingerprint),
    record: (trials) => file.write(writeJson({ fingerprint, trials })),
  };
}

function trialsIn(text: string | null, fingerprint: string): readonly Trial[] {
  try {
    const history = text === null ? null : (readJson(text) as Partial<{ fingerprint: string; trials: Trial[] }> | null);
    return history?.fingerprint === fingerprint && Array.isArray(history.trials) ? history.trials : [];
  } catch {
    // Cut short or somebody else's: nothing is known.
    return [];
  }
}

/** Of graph and weights, wherever the weights lie; what the metadata say of how it was made counts for nothing. */
export async function modelDigest(path: string, signal?: AbortSignal): Promise<string> {
  const { model, close } = await openModel(path);
  try {
    const bare = { ...model, metadata: new Map<string, string>() };
    const { onnx } = await modelParts(bare, { weights: 'pack', valueInfo: false, dataFile: '', locationOf: () => '' });
    const weights = [...model.graph.initializers].flatMap(({ data }) => data ?? []);
    const hash = createHash('sha256');
    for (const part of [...onnx, ...weights]) {
      signal?.throwIfAborted();
      hash.update(isTensor(part) ? await part.read() : part);
    }
    return hash.digest('hex');
  } finally {
    close();
  }
}

export async function fileDigest(path: string, signal?: AbortSignal): Promise<string> {
  const source = fileSource(path);
  try {
    return await hashSource(source, signal);
  } finally {
    source.close();
  }
}

/** Of arrays in one file or in several. */
export const dataDigest = async (
  data: { readonly source: ByteSource } | { readonly files: readonly string[] } | undefined,
): Promise<string | readonly string[] | null> => {
  if (!data) return null;
  return 'source' in data ? hashSource(data.source) : Promise.all(data.files.map((path) => fileDigest(path)));
};
