/** The PyTorch module a node was computed in: what the conversion recorded, or what torch.onnx wrote into its name. */
import type { Node } from '../../onnx/ir.ts';

/** Dotted path of the module; '' is the root, null where neither says. */
export function moduleOf(node: Node): string | null {
  if (node.origin) return node.origin.module;
  return node.name.startsWith('/') ? pathOfName(node.name) : null;
}

/**
 * `/blocks/blocks.0/attn/MatMul_1` is `blocks.0.attn`: one segment a module, those of a list with the list's name
 * before
 * them, the operator last (torch.onnx since PyTorch 1.13).
 */
function pathOfName(name: string): string {
  const segments = name.split('/').slice(1, -1);
  const path: string[] = [];
  for (const segment of segments) {
    const last = path.at(-1);
    if (last !== undefined && segment.startsWith(`${last}.`)) path.pop();
    path.push(segment);
  }
  return path.join('.');
}
