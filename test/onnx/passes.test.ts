/** Passes on models written as text: before, `---`, after. Applied again they change nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkModel } from '../../shared/onnx/check.ts';
import type { Model } from '../../shared/onnx/ir.ts';
import { EVALUATORS } from '../../shared/onnx/passes/evaluate/evaluator.ts';
import { eliminateIdentity } from '../../shared/onnx/passes/eliminate-identity.ts';
import { foldBatchNorm } from '../../shared/onnx/passes/fold-batch-norm.ts';
import { foldConstants } from '../../shared/onnx/passes/fold-constants.ts';
import { foldWeights, moveWeights } from '../../shared/onnx/passes/fold-weights.ts';
import { SIMPLIFY, SIMPLIFY_LINKED } from '../../shared/onnx/passes/index.ts';
import { widenKernels } from '../../shared/onnx/passes/kernels.ts';
import {
  constantReshape,
  mergeCasts,
  mergeReshapes,
  mergeTransposes,
  mergeUnsqueezes,
} from '../../shared/onnx/passes/merge.ts';
import { nameValues } from '../../shared/onnx/passes/name-values.ts';
import { removeUnused } from '../../shared/onnx/passes/remove-unused.ts';
import { shareCommon, shareInitializers } from '../../shared/onnx/passes/share.ts';
import { unsignedCodes } from '../../shared/onnx/passes/unsigned-codes.ts';
import { type Pass, rewriting, type Rule, sequence, untilStable } from '../../shared/onnx/rewrite.ts';
import { OPS } from '../../shared/onnx/schema/index.ts';
import { printModel } from '../../shared/onnx/text.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { typedModel } from './typed.ts';

/** What a rule leaves behind unread is removed, and what it makes is named, so that a case shows one thing. */
const alone = (step: Pass): Pass =>
  sequence(step.name, [untilStable(sequence(step.name, [step, removeUnused])), nameValues]);
const rule = (r: Rule): Pass => alone(rewriting(r.name, [r]));

const PASSES: Readonly<Record<string, Pass>> = {
  'constant-reshape': rule(constantReshape),
  'eliminate-identity': rule(eliminateIdentity),
  'fold-batch-norm': rule(foldBatchNorm),
  'fold-constants': rule(foldConstants),
  'merge-casts': rule(mergeCasts),
  'merge-reshapes': rule(mergeReshapes),
  'fold-weights': rule(foldWeights),
  'merge-transposes': rule(mergeTransposes),
  'merge-unsqueezes': rule(mergeUnsqueezes),
  'move-weights': rule(moveWeights),
  'name-values': nameValues,
  'remove-unused': removeUnused,
  'share-common': alone(shareCommon),
  'share-initializers': alone(shareInitializers),
  simplify: SIMPLIFY,
  'unsigned-codes': alone(unsignedCodes),
  'widen-16-bit-floats': alone(widenKernels),
  'simplify-linked': SIMPLIFY_LINKED,
};

const FOLDER = new URL('./passes/', import.meta.url);
const cases = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));

/** Derived weights are printed as the numbers they will be written with. */
async function readWeights(model: Model): Promise<Model> {
  for (const value of model.graph.initializers) {
    const data = value.data!;
    if (!data.memory) value.data = memoryData(data.dtype, data.shape, await data.read());
  }
  return model;
}

test('every evaluator belongs to an operator of the table', () => {
  expect(Object.keys(EVALUATORS).filter((op) => !(op in OPS))).toEqual([]);
});

test('every pass has a case', () => {
  expect(Object.keys(PASSES).filter((name) => !cases.some((c) => c.startsWith(`${name}.`)))).toEqual([]);
});

describe.each(cases)('%s', (name) => {
  const [before, after] = readFileSync(new URL(name, FOLDER), 'utf8').split(/^---\n/m) as [string, string];
  const pass = PASSES[name.split('.')[0]!]!;

  test('gives what is written', async () => {
    const model = typedModel(before);
    checkModel(model);
    pass.run(model);
    checkModel(model);
    const again = pass.run(model);
    expect(printModel(await readWeights(model), { names: name.startsWith('name-values') })).toBe(after);
    expect(again).toBe(0);
  });
});
