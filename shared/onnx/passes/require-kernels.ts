/** Refuses models that onnxruntime could not run; float64 too, since float32 is not the precision asked for. */
import { fail } from '../../errors.ts';
import type { Node } from '../ir.ts';
import { everyNode, isOf, valuesOf } from '../match.ts';
import { pass, type Pass } from '../pass.ts';
import {
  BFLOAT16_SINCE,
  FLOAT64_SINCE,
  KERNEL_UNTIL,
  WITHOUT_FLOAT64,
  WITHOUT_FLOAT64_RESULT,
} from '../runtime-facts/kernels.ts';
import { dtypeSince } from '../schema/dtype-since.ts';

export const requireKernels: Pass = pass('require-kernels', (model) => {
  const opset = model.opsets.get('') ?? 0;
  for (const node of everyNode(model.graph)) {
    requireTypes(node, opset);
    if (node.domain === '') requireKernel(node, opset);
  }
  return 0;
});

function requireTypes(node: Node, opset: number): void {
  const young = valuesOf(node).find(({ type }) => type && dtypeSince(type.dtype) > opset);
  if (young) refuseOpset(node, opset, typeSince(young.type!.dtype, dtypeSince(young.type!.dtype)));
}

const typeSince = (dtype: string, opset: number): string => `element type ${dtype} exists since opset ${opset}`;

function requireKernel(node: Node, opset: number): void {
  const until = KERNEL_UNTIL.opsets[node.op] ?? Infinity;
  if (opset > until) refuseOpset(node, opset, `onnxruntime runs it up to opset ${until}`);
  requireTypeSince(node, opset, 'bfloat16');
  requireTypeSince(node, opset, 'float64');
  const [result] = node.outputs;
  const lacks =
    (isOf(node.inputs[0] ?? result!, 'float64') && WITHOUT_FLOAT64.operators.has(node.op)) ||
    (isOf(result!, 'float64') && WITHOUT_FLOAT64_RESULT.operators.has(node.op));
  if (lacks)
    fail('UnsupportedType', {
      what: `${node.op} (${placeOf(node)})`,
      dtype: 'float64',
      hint: 'onnxruntime computes it in float32 only: export the model in float32 (model.float())',
    });
}

const TYPE_SINCE = { bfloat16: BFLOAT16_SINCE, float64: FLOAT64_SINCE } as const;

function requireTypeSince(node: Node, opset: number, dtype: keyof typeof TYPE_SINCE): void {
  const since = TYPE_SINCE[dtype].opsets[node.op] ?? 0;
  if (opset < since && valuesOf(node).some((v) => isOf(v, dtype)))
    refuseOpset(node, opset, `it carries ${dtype} since opset ${since}`);
}

const placeOf = ({ origin, name }: Node): string =>
  origin ? `${origin.operator} in ${origin.module || 'the root module'}` : name;

const refuseOpset = (node: Node, opset: number, needed: string): never =>
  fail('UnsupportedOpset', { operator: node.op, opset, needed, at: placeOf(node) });
