/** Weights that an ONNX model shares with the PyTorch file beside it: nobody copied them, so nobody checked them. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { isZip, openZip } from '../bytes/zip.ts';
import { openModel } from '../onnx/proto/read.ts';
import type { Model } from '../onnx/ir.ts';

/** Holds the records that external data points into against their checksums; refuses with CorruptArchive. */
export async function verifyLinkedWeights(path: string): Promise<void> {
  const { model, close } = await openModel(path);
  try {
    for (const [file, slices] of linkedSlices(model)) if (await isZip(file)) await verifyRecords(file, slices);
  } finally {
    close();
  }
}

function linkedSlices(model: Model): Map<ByteSource, ByteSource[]> {
  const slices = new Map<ByteSource, ByteSource[]>();
  for (const { data } of model.graph.initializers) {
    const root = data?.stored?.origin.root;
    if (root) slices.set(root, [...(slices.get(root) ?? []), data.stored!]);
  }
  return slices;
}

async function verifyRecords(file: ByteSource, slices: readonly ByteSource[]): Promise<void> {
  const zip = await openZip(file);
  const stored = zip.entries.filter((entry) => entry.stored);
  await zip.prefetch(stored, 0);
  for (const entry of stored) {
    const record = await entry.slice();
    const [start, end] = [record.origin.start, record.origin.start + record.size];
    if (slices.some(({ origin, size }) => origin.start < end && origin.start + size > start)) await record.verify?.();
  }
}
