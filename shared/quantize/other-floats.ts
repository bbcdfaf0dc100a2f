/** Operators with weights that compute in another type than float32, which codes are not made of. */
import type { Graph } from '../onnx/ir.ts';
import { isFloat } from '../tensor/dtype.ts';
import { ruleOf, weightIndexOf } from './rules.ts';

/** What to say of them, and what to do; null: there are none. */
export function otherFloats(graph: Graph): string | null {
  const dtypes = [...graph.nodes].flatMap((node) => {
    const rule = ruleOf(node);
    const dtype = node.outputs[0]?.type?.dtype;
    const isOther = dtype !== undefined && isFloat(dtype) && dtype !== 'float32';
    return rule && rule.asked === undefined && weightIndexOf(rule) >= 0 && isOther ? [dtype] : [];
  });
  if (dtypes.length === 0) return null;
  const names = [...new Set(dtypes)].join(' and ');
  const those =
    dtypes.length === 1 ? 'one operator with weights computes' : `${dtypes.length} operators with weights compute`;
  return (
    `${those} in ${names}, and codes are made of float32: save the model in float32 ` +
    '(model.float() in PyTorch, before torch.export) and quantize that'
  );
}
