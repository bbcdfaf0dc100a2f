/** The plan of weight-only quantization: matrices in blocks along what is summed; activations stay float. */
import type { WeightOnly } from '../../choices.ts';
import type { Node, Value } from '../../onnx/ir.ts';
import { constantOf } from '../../onnx/match.ts';
import type { CodeDtype } from '../../tensor/qparams.ts';
import type { NodePlan, Plan, PlanOf } from '../plan.ts';
import type { OperatorRule } from '../operator-rule.ts';
import { isLookup, weightAxisOf, weightIndexOf } from '../rules.ts';
import { matricesIn } from './matrices.ts';
import type { PlanRequest } from './source.ts';

export function planWeightOnly({ graph, recipe, refused }: PlanRequest): Plan {
  const spec = recipe.weightOnly;
  const others = (): string => 'only matrices have a weight-only form';
  const { nodes, skipped } = matricesIn({ graph, refused, others, lookups: spec.embeddings });
  const known = new Map<string, PlanOf<'blocked'>>();
  const planOf = (node: Node, rule: OperatorRule): NodePlan => {
    const index = weightIndexOf(rule);
    const value = node.inputs[index]!;
    const axis = isLookup(node) ? 1 : 1 - weightAxisOf(node, rule)!;
    const key = `${value.name} ${axis}`;
    const weight = known.get(key) ?? blockedPlan(value, axis, spec);
    known.set(key, weight);
    const inputs = node.inputs.map((_, i) => (i === index ? weight : null));
    return { node, inputs, output: null, more: [], addition: null };
  };
  return { nodes: new Map([...nodes].map(([node, rule]) => [node, planOf(node, rule)])), folded: [], skipped };
}

/** Symmetric codes are signed, so that 0 is 0. */
const DTYPES = {
  4: { symmetric: 'int4', asymmetric: 'uint4' },
  8: { symmetric: 'int8', asymmetric: 'uint8' },
} as const satisfies Record<WeightOnly['bits'], Record<string, CodeDtype>>;

const blockedPlan = (value: Value, axis: number, spec: WeightOnly): PlanOf<'blocked'> => ({
  kind: 'blocked',
  value,
  data: constantOf(value)!,
  spec,
  dtype: DTYPES[spec.bits][spec.symmetric ? 'symmetric' : 'asymmetric'],
  granularity: { kind: 'block', axis, size: spec.blockSize },
});
