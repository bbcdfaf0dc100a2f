/** What a worker does with a model that was dropped: convert, quantize, run, say what came of it. */
import { blobSource } from '../shared/bytes/blob-source.ts';
import type { VariantDtype } from '../shared/choices.ts';
import { isFailure } from '../shared/errors.ts';
import type { Model } from '../shared/onnx/ir.ts';
import type { StageName } from '../shared/pipeline/machine/stages.ts';
import type { Variant } from '../shared/report/report.ts';
import { decideVerdict } from '../shared/report/verdict.ts';
import { useProgram } from '../shared/runtime/onnxruntime-web.ts';
import { type ConvertedModel, convertSource } from '../shared/steps/convert-source.ts';
import { operatorCounts } from '../shared/steps/model-facts.ts';
import type { Order, Result, Told } from './messages.ts';
import { modelBlobs } from './model-blobs.ts';
import { quantize } from './quantize.ts';
import { validate } from './validate.ts';

type Tell = (told: Told) => void;

/** Refuses as the command line does. */
export async function carryOut(order: Order, tell: Tell): Promise<void> {
  const { model: blob, owner, also, data, wasm } = order;
  const notes = data.filter(({ name }) => !isUsed(name)).map(({ name }) => `${name} is of no use here.`);
  if (wasm !== null) useProgram(wasm);
  const step = stepsOf(tell);
  const [converted, fp32] = await step('convert', null, async () => {
    const source = blobSource(blob.name, blob);
    const converted = await convertSource({ source, options: {}, weights: 'embed' });
    const name = `${blob.name.replace(/\.[^.]*$/, '')}.onnx`;
    return [converted, await modelBlobs(converted.model, { name, source, blob, owner })] as const;
  });
  const canRun = wasm !== null && fp32.length === 1;
  const results = [...fp32];
  const validated = async (variant: Variant, model: Model, result: Result): Promise<Variant> => {
    if (!canRun) return variant;
    const run = { result, fp32: result === fp32[0] ? null : fp32[0]!, data, notes };
    return {
      ...variant,
      validation: await step('validate', variant.name, () => validate({ ...converted, model }, run)),
    };
  };
  const reference = variantOf('fp32', converted.facts.operators, fp32);
  const variants = [await orFailed(reference, () => validated(reference, converted.model, fp32[0]!))];
  if (also !== null) {
    const calibration = (canRun && data.find(({ name }) => name.endsWith('.calibration.npz'))) || null;
    const quantized = await orFailed(variantOf(also, [], []), async () => {
      const made = await step('quantize', also, () => quantize({ dtype: also, fp32, calibration, owner }));
      results.push(...made.results);
      notes.push(...made.warnings);
      const variant = variantOf(also, operatorCounts(made.model), made.results);
      const sizeRatio = variant.bytes / reference.bytes;
      return validated({ ...variant, sizeRatio, quantization: made.facts }, made.model, made.results[0]!);
    });
    variants.push(quantized);
  }
  const about = [summaryOf(converted), ...converted.warnings, ...new Set(notes)];
  if (!canRun) about.unshift('Not run here: it is too large to be run in a browser.');
  const { status, sentence } = decideVerdict({ variants, criterion: {}, failure: null });
  const isJudged = canRun || variants.some(({ failure }) => failure);
  if (isJudged) about.unshift(sentence);
  tell({ kind: 'done', results, verdict: isJudged ? status : 'warn', sentence: about.join('\n') });
}

/** Files beside a model that this page reads. */
const isUsed = (name: string): boolean => /\.(?:calibration|test|reference)\.npz$/.test(name);

const stepsOf =
  (tell: Tell) =>
  async <T>(stage: StageName, variant: string | null, work: () => Promise<T>): Promise<T> => {
    tell({ kind: 'step', stage, variant, status: 'started' });
    try {
      const result = await work();
      tell({ kind: 'step', stage, variant, status: 'done' });
      return result;
    } catch (error) {
      tell({ kind: 'step', stage, variant, status: 'failed' });
      throw error;
    }
  };

/** What goes wrong with a variant is the variant's: other models that were made stay. */
async function orFailed(variant: Variant, work: () => Promise<Variant>): Promise<Variant> {
  try {
    return await work();
  } catch (error) {
    if (!isFailure(error)) throw error;
    const { code, message, details } = error;
    return { ...variant, failure: { code, message, stage: variant.name, details } };
  }
}

const summaryOf = ({ facts }: ConvertedModel): string => `${facts.onnxNodes} nodes, opset ${facts.opset}.`;
const sizeOf = (results: readonly Result[]): number => results.reduce((sum, { blob }) => sum + blob.size, 0);

const variantOf = (dtype: VariantDtype, operators: Variant['operators'], results: readonly Result[]): Variant => ({
  name: dtype,
  dtype,
  files: results.map(({ name, blob }) => ({ path: name, bytes: blob.size, sha256: null })),
  bytes: sizeOf(results),
  sizeRatio: null,
  operators,
  quantization: null,
  validation: null,
  failure: null,
});
