/** Writes a dynamic plan: activations are quantized anew in every run. */
import type { NodePlan } from '../plan.ts';
import { dynamicFormOf } from '../rules.ts';
import { attention, embedding, recurrent } from './dynamic-operators.ts';
import { convolution, product } from './dynamic-sums.ts';
import { type DynamicForm, DynamicWriting } from './dynamic-writing.ts';
import { lookupWriter } from './lookup.ts';
import type { WriteRequest, Written } from './writer.ts';

const FORMS = { product, convolution, recurrent, attention, embedding } as const satisfies Record<string, DynamicForm>;

export function writeDynamic({ plan, ...request }: WriteRequest): Written[] {
  const dynamic = new DynamicWriting(request);
  const lookup = lookupWriter(dynamic.writing, dynamic.values);
  const write = (nodePlan: NodePlan): Written => {
    const { kind } = dynamicFormOf(nodePlan.node)!;
    if (kind === 'float') throw new Error(`${nodePlan.node.op} has no dynamic form`);
    return kind === 'lookup' ? lookup(nodePlan) : FORMS[kind](dynamic, nodePlan);
  };
  const written = [...plan.nodes.values()].map(write);
  dynamic.writing.finish();
  return written;
}
