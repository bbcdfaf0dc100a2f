/** What a worker does with a model that was dropped: convert, put together, run, say what came of it. */
import { blobSource } from '../shared/bytes/blob-source.ts';
import type { StageName } from '../shared/pipeline/machine/stages.ts';
import type { Variant } from '../shared/report/report.ts';
import { decideVerdict } from '../shared/report/verdict.ts';
import { type ConvertedModel, convertSource } from '../shared/steps/convert-source.ts';
import type { Order, Result, Told } from './messages.ts';
import { modelBlobs } from './model-blobs.ts';
import { validate } from './validate.ts';

type Tell = (told: Told) => void;

/** Refuses as the command line does. */
export async function carryOut(order: Order, tell: Tell): Promise<void> {
  const { model: blob, owner, wasm } = order;
  const source = blobSource(blob.name, blob);
  const notes: string[] = [];
  const [converted, results] = await step('convert', tell, async () => {
    const converted = await convertSource({ source, options: {}, weights: 'embed' });
    const name = `${blob.name.replace(/\.[^.]*$/, '')}.onnx`;
    return [converted, await modelBlobs(converted.model, { name, source, blob, owner })] as const;
  });
  const { warnings } = converted;
  const [result] = results;
  if (wasm === null || results.length > 1) {
    const sentence = `${summaryOf(converted)} It was not run: it is too large to be run in a browser.`;
    return tell({ kind: 'done', results, verdict: 'warn', sentence: [sentence, ...warnings].join('\n') });
  }
  const warn = (note: string): void => void notes.push(note);
  const validation = await step('validate', tell, () =>
    validate(converted, { wasm, result: result!, data: order.data, warn }),
  );
  const variant: Variant = { ...variantOf(converted, results), validation };
  const { status, sentence } = decideVerdict({ variants: [variant], criterion: {}, failure: null });
  const said = [sentence, summaryOf(converted), ...warnings, ...notes].join('\n');
  tell({ kind: 'done', results, verdict: status, sentence: said });
}

async function step<T>(stage: StageName, tell: Tell, work: () => Promise<T>): Promise<T> {
  tell({ kind: 'step', stage, variant: null, status: 'started' });
  const result = await work();
  tell({ kind: 'step', stage, variant: null, status: 'done' });
  return result;
}

const summaryOf = ({ facts }: ConvertedModel): string => `${facts.onnxNodes} nodes, opset ${facts.opset}.`;

const variantOf = ({ facts }: ConvertedModel, results: readonly Result[]): Omit<Variant, 'validation'> => ({
  name: 'fp32',
  dtype: 'fp32',
  files: results.map(({ name, blob }) => ({ path: name, bytes: blob.size, sha256: null })),
  bytes: results.reduce((sum, { blob }) => sum + blob.size, 0),
  sizeRatio: null,
  operators: facts.operators,
  quantization: null,
  failure: null,
});
