/** A model as Blobs: the .onnx, and the file of its weights where they do not fit into it. */
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import type { Model } from '../shared/onnx/ir.ts';
import { isTensor, modelParts } from '../shared/onnx/proto/parts.ts';
import type { TensorData } from '../shared/tensor/data.ts';
import { BlobParts } from './blob-parts.ts';
import type { Result } from './messages.ts';

/** Stored weights are read once, to check them, in pieces of this size. */
const PIECE = 8 << 20;

export interface BlobsRequest {
  readonly name: string;
  /** What stored weights are slices of, and its bytes. */
  readonly source: ByteSource;
  readonly blob: Blob;
  readonly owner: string | null;
}

export async function modelBlobs(model: Model, request: BlobsRequest): Promise<readonly Result[]> {
  const dataFile = `${request.name}.data`;
  const { onnx, placement } = await modelParts(model, {
    weights: 'embed',
    valueInfo: false,
    dataFile,
    locationOf: () => {
      throw new Error('weights in a browser are not linked');
    },
  });
  const graph = new BlobParts(request.owner);
  for (const part of onnx) await (isTensor(part) ? addTensor(graph, part, request) : graph.add(part));
  const results = [{ name: request.name, blob: await graph.finish() }];
  if (placement.packed.length === 0) return results;
  const weights = new BlobParts(request.owner);
  for (const value of placement.packed) {
    const at = placement.places.get(value)!;
    if (at.kind !== 'pack') throw new Error(`initializer "${value.name}" is not packed`);
    await weights.add(new Uint8Array(at.offset - weights.size));
    await addTensor(weights, value.data!, request);
  }
  return [...results, { name: dataFile, blob: await weights.finish() }];
}

async function addTensor(parts: BlobParts, data: TensorData, { source, blob }: BlobsRequest): Promise<void> {
  const { stored } = data;
  if (stored === null || stored.origin.root !== source) return parts.add(await data.read());
  for (let at = 0; at < stored.size; at += PIECE) await stored.slice(at, Math.min(at + PIECE, stored.size)).read();
  await stored.verify?.();
  const { start } = stored.origin;
  parts.refer(blob.slice(start, start + stored.size));
}
