/** The types the operator table computes. */
import { describe, expect, it } from 'vitest';
import { makeBuilder } from '../../../shared/onnx/builder.ts';
import { Graph, type Value } from '../../../shared/onnx/ir.ts';
import { INFERENCE_CASES } from './inference-cases.ts';
import { shown, typeOf } from './type-text.ts';

const NEWEST = 26;

describe('type inference', () => {
  it.each(INFERENCE_CASES)('$name', ({ inputs, build, types }) => {
    const graph = new Graph('case');
    const results = build(
      makeBuilder(graph, NEWEST),
      inputs.map((text, i) => graph.addInput(`x${i}`, typeOf(text))),
    );
    expect([results].flat().map((value) => shown((value as Value).type))).toEqual(types);
  });
});
