/** Cases of passes: files named after their subject, with a model before, `---`, and the model after. */
import { readdirSync, readFileSync } from 'node:fs';
import { checkModel } from '../../shared/onnx/check.ts';
import type { Model } from '../../shared/onnx/ir.ts';
import { type Pass, type Rule, sequence, untilStable } from '../../shared/onnx/pass.ts';
import { passOf, type Stage } from '../../shared/onnx/passes/index.ts';
import { nameValues } from '../../shared/onnx/passes/name-values.ts';
import { removeUnused } from '../../shared/onnx/passes/remove-unused.ts';
import { rewriting } from '../../shared/onnx/rewrite.ts';
import { printModel } from '../../shared/onnx/text.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { typedModel } from './typed.ts';

export const casesIn = (folder: URL): string[] => readdirSync(folder).filter((name) => name.endsWith('.txt'));
export const subjectOf = (file: string): string => file.split('.')[0]!;

/** Every step of a list of stages by its name, alone, and the whole list. */
export function subjectsOf(stages: readonly Stage[]): ReadonlyMap<string, Pass> {
  const steps = stages
    .flatMap((stage) => stage.steps)
    .flatMap((step): readonly (Pass | Rule)[] => ('run' in step ? [step] : step));
  return new Map([
    ...steps.map((step) => [step.name, alone(step)] as const),
    ['conversion', passOf(stages)],
    ['conversion-linked', passOf(stages, { keepWeights: true })],
  ]);
}

/** What a step leaves behind unread is removed, and what it makes is named, so that a case shows one thing. */
function alone(step: Pass | Rule): Pass {
  const pass = 'run' in step ? step : rewriting(step.name, [step]);
  if (pass === removeUnused || pass === nameValues) return pass;
  return sequence(step.name, [untilStable(sequence(step.name, [pass, removeUnused])), nameValues]);
}

export interface Outcome {
  readonly after: string;
  readonly expected: string;
  /** Changes when it is applied again. */
  readonly again: number;
}

export async function runCase(folder: URL, file: string, pass: Pass): Promise<Outcome> {
  const [before, expected] = readFileSync(new URL(file, folder), 'utf8').split(/^---\n/m) as [string, string];
  const model = typedModel(before);
  checkModel(model);
  pass.run(model);
  checkModel(model);
  const again = pass.run(model);
  return { after: printModel(await readWeights(model), { names: pass === nameValues }), expected, again };
}

/** Derived weights are printed as the numbers they will be written with. */
async function readWeights(model: Model): Promise<Model> {
  for (const value of model.graph.initializers) {
    const data = value.data!;
    if (!data.memory) value.data = memoryData(data.dtype, data.shape, await data.read());
  }
  return model;
}
