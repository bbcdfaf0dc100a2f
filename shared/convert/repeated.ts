/** Repetition in the graph: a Loop whose values keep their types. */
import { tensorType } from '../tensor/type.ts';
import type { Value } from '../onnx/ir.ts';
import type { AtenBuilder } from './converter.ts';

interface Repetition {
  readonly name: string;
  readonly count: Value | number;
  readonly values: readonly Value[];
}

/** `values` after `count` steps; a step gets its number (int64, 0-d) and gives the next values. */
export function repeated(
  op: AtenBuilder,
  { name, count, values }: Repetition,
  step: (body: AtenBuilder, k: Value, values: readonly Value[]) => readonly Value[],
): Value[] {
  const body = op.sub(name) as AtenBuilder;
  const k = body.graph.addInput(body.freshName('step'), tensorType('int64', []));
  const going = body.graph.addInput(body.freshName('going'), tensorType('bool', []));
  const carried = values.map((v) => body.graph.addInput(body.freshName('value'), v.type!));
  body.graph.outputs.push(body.Identity([going]), ...step(body, k, carried).map((v) => body.Identity([v])));
  const trips = typeof count === 'number' ? op.scalar('int64', count) : count;
  const results = op.Loop([trips, op.scalar('bool', true), ...values], { body: body.graph }, values.length);
  // A step does not change types, also where the table sees less than we do.
  results.forEach((v, i) => (v.type = values[i]!.type));
  return results;
}
