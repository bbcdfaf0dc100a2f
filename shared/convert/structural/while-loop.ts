/**
 * `while_loop`: ONNX's Loop evaluates its condition at the end of a round, so the condition stands once before it as
 * well.
 */
import { tensorType } from '../../tensor/type.ts';
import type { StructuralConverter } from '../converter.ts';
import { bodyInput, closeBody, graphAt, newBody, operandsAt, predicate, requireCarried } from './subgraph.ts';

/** `while_loop(condition graph, body graph, carried values, further operands)`. */
export const whileLoop: StructuralConverter = {
  target: 'higher_order::while_loop',
  convert(op, node, lowering) {
    const [condition, round] = [graphAt(node, 0), graphAt(node, 1)];
    const [initial, further] = [operandsAt(node, 2, lowering), operandsAt(node, 3, lowering)];
    const first = predicate(
      op,
      lowering.inline(lowering.inside(op, op.graph), condition, [...initial, ...further])[0]!,
    );

    const body = newBody(op, lowering, 'body');
    bodyInput(body, 'round', tensorType('int64', []));
    bodyInput(body, 'keep_going', tensorType('bool', []));
    const carried = initial.map((x, i) => bodyInput(body, 'carried', lowering.inputType(round, round.inputs[i]!, x)));
    const next = lowering.inline(body.op, round, [...carried, ...further]);
    requireCarried(op, round, { carried, next });
    // Sizes that the condition calls by the same names are those after the round.
    const again = lowering.inline(lowering.inside(op, body.graph), condition, [...next, ...further]);
    closeBody(body, [predicate(body.op, again[0]!), ...next]);
    return op.Loop([null, first, ...initial], { body: body.graph }, initial.length);
  },
};
