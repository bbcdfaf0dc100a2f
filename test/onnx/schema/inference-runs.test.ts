/** The types the table computes are those of the tensors onnxruntime gives, for several sizes of every symbol. */
import { describe, expect, it } from 'vitest';
import { isFailure } from '../../../shared/errors.ts';
import { type Builder, makeBuilder } from '../../../shared/onnx/builder.ts';
import { Graph, type Value } from '../../../shared/onnx/ir.ts';
import { isUnknownDim } from '../../../shared/onnx/unknown-dim.ts';
import { memoryData, type TensorData } from '../../../shared/tensor/data.ts';
import { evaluateDim } from '../../../shared/tensor/dim.ts';
import { isFloat } from '../../../shared/tensor/dtype.ts';
import { encodeNumbers } from '../../../shared/tensor/numbers.ts';
import type { TensorType } from '../../../shared/tensor/type.ts';
import { INFERENCE_CASES, type InferenceCase } from './inference-cases.ts';
import { runGraph } from './run-graph.ts';
import { typeOf } from './type-text.ts';

const SIZES = [
  { b: 2, s: 5, h: 7, w: 9, n: 3, e: 6 },
  { b: 3, s: 6, h: 12, w: 8, n: 4, e: 8 },
  { b: 4, s: 4, h: 9, w: 10, n: 1, e: 2 },
].map((sizes) => new Map(Object.entries(sizes)));
/** From opset 22 on onnxruntime 1.30 has no kernels for these. */
const ENDS_AT_21 = new Set(['RandomNormal', 'RandomUniformLike', 'Bernoulli', 'Multinomial', 'RoiAlign', 'MaxRoiPool']);

interface Built {
  readonly name: string;
  readonly types: readonly TensorType[];
  readonly results: readonly Value[];
}

/** Adds a case to the graph; without results when the opset cannot express it. */
function addCase(op: Builder, { name, inputs, build }: InferenceCase): Built {
  const types = inputs.map(typeOf);
  const values = types.map((type, i) => op.graph.addInput(`${name}/${i}`, type));
  try {
    const results = [build(op, values)].flat().map((value) => op.Identity([value as Value]));
    results.forEach((value, i) => {
      value.name = `${name}=${i}`;
      op.graph.outputs.push(value);
    });
    return { name, types, results };
  } catch (error) {
    if (!isFailure(error, 'UnsupportedOpset')) throw error;
    return { name, types, results: [] };
  }
}

function made(type: TensorType, sizes: ReadonlyMap<string, number>): TensorData {
  const shape = type.shape.map((d) => evaluateDim(d, sizes)!);
  const count = shape.reduce((n, d) => n * d, 1);
  // Integers may be indices, booleans both ways.
  const values = Array.from({ length: count }, (_, i) => (isFloat(type.dtype) ? Math.sin(1.7 * i) : i % 2));
  return memoryData(type.dtype, shape, encodeNumbers(type.dtype, values));
}

const wanted = ({ dtype, shape }: TensorType, found: readonly number[], sizes: ReadonlyMap<string, number>): string =>
  `${dtype}[${shape.map((d, i) => (isUnknownDim(d) ? found[i] : evaluateDim(d, sizes)))}]`;

describe('inferred types at run time', () => {
  it.each([13, 18, 21, 26])('opset %i', async (opset) => {
    const op = makeBuilder(new Graph('inference'), opset);
    const cases = INFERENCE_CASES.filter(({ name, norun }) => !norun && (opset <= 21 || !ENDS_AT_21.has(name))).map(
      (c) => addCase(op, c),
    );
    const feeds = SIZES.map(
      (sizes) =>
        new Map(
          cases.flatMap(({ name, types }) => types.map((type, i) => [`${name}/${i}`, made(type, sizes)] as const)),
        ),
    );
    const runs = await runGraph(op.graph, opset, feeds);
    const wrong = runs.flatMap((results, run) =>
      cases.flatMap(({ name, results: values }) =>
        values.flatMap(({ type }, i) => {
          const found = results.get(`${name}=${i}`)!;
          const text = `${found.dtype}[${found.shape}]`;
          const expected = type ? wanted(type, found.shape, SIZES[run]!) : text;
          return text === expected ? [] : [{ name, run, found: text, expected }];
        }),
      ),
    );
    expect(wrong).toEqual([]);
    expect(cases.filter(({ results }) => results.length > 0).length).toBeGreaterThan(180);
  });
});
