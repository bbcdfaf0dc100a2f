/** What a worker does with a model that was dropped: convert, put together, say what came of it. */
import { blobSource } from '../shared/bytes/blob-source.ts';
import { convertSource } from '../shared/steps/convert-source.ts';
import type { Order, Told } from './messages.ts';
import { modelBlobs } from './model-blobs.ts';

type Tell = (told: Told) => void;

/** Refuses as the command line does. */
export async function carryOut({ model: blob, owner }: Order, tell: Tell): Promise<void> {
  tell({ kind: 'step', stage: 'convert', variant: null, status: 'started' });
  const source = blobSource(blob.name, blob);
  const { model, facts } = await convertSource({ source, options: {}, weights: 'embed' });
  const name = `${blob.name.replace(/\.[^.]*$/, '')}.onnx`;
  const results = await modelBlobs(model, { name, source, blob, owner });
  tell({ kind: 'step', stage: 'convert', variant: null, status: 'done' });
  const sentence = `${facts.onnxNodes} nodes, opset ${facts.opset}.`;
  tell({ kind: 'done', results, verdict: 'pass', sentence });
}
