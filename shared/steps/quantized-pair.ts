/** An INT8 model of PyTorch, and the record that Neural Compressor 1.x keeps in a file of its own beside it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ByteSource, readVerified } from '../bytes/byte-source.ts';
import { fileSource } from '../bytes/file-source.ts';
import { fail } from '../errors.ts';
import { readConfigureYaml } from '../torch/quantized/inc-yaml.ts';
import type { QuantizedModel } from '../torch/quantized/quantized-model.ts';
import { readQuantizedWeights } from '../torch/quantized/read-state-dict.ts';

/** What `q_model.save(folder)` wrote: `best_model.pt` alone (2.x), or weights and record (1.x). */
const WEIGHTS = ['best_model.pt', 'best_model_weights.pt'];
const RECORD = 'best_configure.yaml';

export interface QuantizedPair {
  readonly quantized: ByteSource;
  /** null: all of it is in one file, or no more is known. */
  readonly record: ByteSource | null;
}

/** Where the record of these weights would lie; null: they are called otherwise than Neural Compressor calls them. */
export function recordBeside(weights: string): string | null {
  const [, folder, name] = /^(.*[/\\])?([^/\\]*)$/s.exec(weights)!;
  return WEIGHTS.includes(name!) ? `${folder ?? ''}${RECORD}` : null;
}

/**
 * Opens the file, or the one in the folder that Neural Compressor saved. Fails with FileNotFound where nothing is
 * there, and with UnsupportedFormat for a folder without weights.
 */
export async function withQuantized<T>(path: string, work: (pair: QuantizedPair) => Promise<T>): Promise<T> {
  const weights = weightsAt(path);
  const beside = recordBeside(weights);
  const quantized = fileSource(weights);
  try {
    const record = beside !== null && existsSync(beside) ? fileSource(beside) : null;
    try {
      return await work({ quantized, record });
    } finally {
      record?.close();
    }
  } finally {
    quantized.close();
  }
}

/** What PyTorch quantized; weights stay where they are until they are read. Refuses what is something else. */
export async function readPair(quantized: ByteSource, record: ByteSource | null): Promise<QuantizedModel> {
  return readQuantizedWeights(quantized, record && readConfigureYaml(await readVerified(record), record.name));
}

/** The file itself, or the weights in a folder. */
export function weightsAt(path: string): string {
  if (!(statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)) return path;
  const found = WEIGHTS.map((name) => join(path, name)).find((file) => existsSync(file));
  return (
    found ??
    fail('UnsupportedFormat', {
      file: path,
      found: `a folder without ${WEIGHTS.join(' or ')}`,
      hint: 'name the folder that Neural Compressor saved, or the INT8 model itself',
    })
  );
}
