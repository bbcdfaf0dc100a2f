/** An operator gives the same numbers in every opset, and they are PyTorch's. All cases of one opset are one model. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Builder, makeBuilder } from '../../../shared/onnx/builder.ts';
import { Graph, type Value } from '../../../shared/onnx/ir.ts';
import { memoryData, type TensorData } from '../../../shared/tensor/data.ts';
import type { Dtype } from '../../../shared/tensor/dtype.ts';
import { decodeNumbers, encodeNumbers } from '../../../shared/tensor/numbers.ts';
import { FORM_CASES } from './forms-cases.ts';
import { runGraph } from './run-graph.ts';
import { typeOf } from './type-text.ts';

interface Recorded {
  dtype: Dtype;
  shape: number[];
  values: number[];
}

const RECORDED = JSON.parse(readFileSync(new URL('forms.json', import.meta.url), 'utf8')) as Record<
  string,
  { inputs: Recorded[]; outputs: Recorded[] }
>;
const OLDEST = 13;
const NEWEST = 26;
const OPSETS = [13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 26];
/** Sums are taken in another order than in PyTorch. */
const TOLERANCE = 2e-6;

const casesOf = (opset: number): string[] =>
  Object.keys(FORM_CASES).filter(
    (name) => opset >= (FORM_CASES[name]!.from ?? OLDEST) && opset <= (FORM_CASES[name]!.to ?? NEWEST),
  );

const dataOf = ({ dtype, shape, values }: Recorded): TensorData =>
  memoryData(dtype, shape, encodeNumbers(dtype, values));

function addCase(op: Builder, name: string): void {
  const { build, types } = FORM_CASES[name]!;
  const inputs = RECORDED[name]!.inputs.map(({ dtype, shape }, i) =>
    op.graph.addInput(`${name}/${i}`, types ? typeOf(types[i]!) : { dtype, shape }),
  );
  [build(op, ...inputs)].flat().forEach((value, i) => {
    const output = op.Identity([value as Value]);
    output.name = `${name}=${i}`;
    op.graph.outputs.push(output);
  });
}

/** Largest difference relative to 1 + the number wanted. */
const difference = (found: ArrayLike<number>, wanted: readonly number[]): number =>
  wanted.reduce(
    (worst, value, i) =>
      Math.max(worst, found[i] === value ? 0 : Math.abs(found[i]! - value) / (1 + Math.abs(value)) || Infinity),
    0,
  );

describe('forms for older opsets', () => {
  it('has numbers for every case', () => {
    expect(Object.keys(RECORDED).sort()).toEqual(Object.keys(FORM_CASES).sort());
  });

  it.each(OPSETS)('opset %i', async (opset) => {
    const op = makeBuilder(new Graph('forms'), opset);
    for (const name of casesOf(opset)) addCase(op, name);
    const feeds = new Map(
      casesOf(opset).flatMap((name) =>
        RECORDED[name]!.inputs.map((input, i) => [`${name}/${i}`, dataOf(input)] as const),
      ),
    );
    const [results] = await runGraph(op.graph, opset, [feeds]);
    const wrong = casesOf(opset).flatMap((name) =>
      RECORDED[name]!.outputs.flatMap(({ dtype, shape, values }, i) => {
        const found = results!.get(`${name}=${i}`)!;
        const sameType = found.dtype === dtype && String(found.shape) === String(shape);
        const off = sameType ? difference(decodeNumbers(dtype, found.memory), values) : Infinity;
        return off <= (FORM_CASES[name]!.tolerance ?? TOLERANCE)
          ? []
          : [{ name, output: i, type: `${found.dtype}[${found.shape}]`, off }];
      }),
    );
    expect(wrong).toEqual([]);
  });
});
