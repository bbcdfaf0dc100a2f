/** Models as text with seeded weights, changed as the options for accuracy ask, and run as FP32 before and after. */
import { join } from 'node:path';
import type { Model } from '../../../shared/onnx/ir.ts';
import { structureProblems } from '../../../shared/onnx/check.ts';
import { writeModel } from '../../../shared/onnx/proto/write.ts';
import { type AccuracyChoice, adjustModel } from '../../../shared/quantize/accuracy/adjust.ts';
import { recipeOf } from '../../../shared/quantize/recipe.ts';
import { SOURCES } from '../../../shared/quantize/sources/index.ts';
import type { Adjustment } from '../../../shared/report/quantization.ts';
import { type MemoryTensors, withSession } from '../../../shared/runtime/session.ts';
import { asFloat32 } from '../../../shared/tensor/arithmetic.ts';
import { feedsOf, workFolder } from '../fixture.ts';
import { expect } from 'vitest';

/** Numbers of a linear congruential generator, between -1 and 1. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/**
 * `float[4,8] w = {pairs 0}` gets numbers whose neighbours 0 and 1, 2 and 3, ... along axis 0 have one sign, so that half
 * of the codes would overflow where they are added in pairs.
 */
export function filledInPairs(text: string, next: () => number): string {
  return text.replaceAll(/float\[([\d,]+)\] (\w+) = \{pairs (\d)\}/g, (_, dims: string, name: string, axis: string) => {
    const shape = dims.split(',').map(Number);
    const inner = shape.slice(Number(axis) + 1).reduce((n, d) => n * d, 1);
    const size = shape.reduce((n, d) => n * d, 1);
    const values = Array.from({ length: size }, (__, i) => {
      const channel = Math.floor(i / inner) % shape[Number(axis)]!;
      return (Math.floor(channel / 2) % 2 ? -1 : 1) * (0.75 + 0.25 * next());
    });
    return `float[${dims}] ${name} = {${values.map((v) => v.toFixed(4)).join(', ')}}`;
  });
}

/** `float[4,8] w = {?}` gets numbers, those of every fourth row sixteen times as large. */
export function filled(text: string, next: () => number): string {
  return text.replaceAll(/float\[([\d,]+)\] (\w+) = \{\?\}/g, (_, dims: string, name: string) => {
    const shape = dims.split(',').map(Number);
    const size = shape.reduce((n, d) => n * d, 1);
    const run = size / shape[0]!;
    const values = Array.from({ length: size }, (__, i) => next() * (Math.floor(i / run) % 4 === 0 ? 16 : 1));
    return `float[${dims}] ${name} = {${values.map((v) => v.toFixed(4)).join(', ')}}`;
  });
}

export async function outputsOf(model: Model, feeds: MemoryTensors): Promise<Map<string, Float32Array>> {
  const path = join(workFolder(), 'model.onnx');
  await writeModel(model, path, { weights: 'embed' });
  const results = await withSession(path, { optimize: 'none' }, (session) => session.run(feeds));
  return new Map([...results].map(([name, { memory }]) => [name, Float32Array.from(asFloat32(memory))]));
}

export const inputOf = (shape: readonly number[], next: () => number): MemoryTensors =>
  feedsOf({ x: { shape, values: Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => 4 * next()) } });

/** The model is changed in place; structure is checked. */
export async function adjust(
  model: Model,
  choice: AccuracyChoice,
  feeds: MemoryTensors,
): Promise<readonly Adjustment[]> {
  const source = SOURCES.static;
  const plan = source({ graph: model.graph, recipe: recipeOf({}), format: 'QDQ', refused: new Map() });
  const { adjustments } = await adjustModel(model, plan, {
    ...choice,
    calibration: one({ feeds, samples: 1 }),
    workFolder: workFolder(),
  });
  expect(structureProblems(model)).toEqual([]);
  return adjustments;
}

const one = <T>(item: T): AsyncIterable<T> => ({
  async *[Symbol.asyncIterator]() {
    yield item;
  },
});
