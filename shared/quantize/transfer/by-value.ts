/** Nodes of a graph without module paths, given to the modules whose weights they hold: by name, then by value. */
import type { Graph, Node } from '../../onnx/ir.ts';
import { constantOf, isStandard } from '../../onnx/match.ts';
import { asFloat32 } from '../../tensor/arithmetic.ts';
import type { QuantizedModule } from '../../torch/quantized-weights.ts';
import { moduleOf } from './scope.ts';
import { isRounded } from './trained.ts';
import { isTransposed, turned, weightIndexOf } from './weighted.ts';

/**
 * Exporters that lose names leave `onnx::MatMul_123`. A weight belongs to a module where each number is within half a
 * step of its code. Sets the origin of the nodes it finds; what fits several is returned in words, naming both sides.
 */
export async function placeByValue(graph: Graph, modules: readonly QuantizedModule[]): Promise<string[]> {
  const taken = new Set([...graph.nodes].map(moduleOf));
  const open = modules.filter(({ module, weight }) => weight !== null && !taken.has(module));
  const nodes = [...graph.nodes].filter((node) => !moduleOf(node) && weightOf(node)?.dtype === 'float32');
  const found = new Map<Node, QuantizedModule>();
  const problems: string[] = [];
  for (const module of open) {
    const fits: Node[] = [];
    for (const node of nodes) if (hasName(node, module) || (await holds(node, module))) fits.push(node);
    const named = fits.filter((node) => hasName(node, module));
    const chosen = named.length > 0 ? named : fits;
    const weights = new Set(chosen.map((node) => node.inputs[weightIndexOf(node)!]));
    if (weights.size > 1) problems.push(`module "${module.module}" fits ${listed(chosen)}: they hold equal weights`);
    for (const node of weights.size === 1 ? chosen : []) {
      const other = found.get(node);
      if (other) problems.push(`${listed([node])} fits modules "${other.module}" and "${module.module}"`);
      found.set(node, module);
    }
  }
  for (const [node, { module }] of found) belongTo(node, module);
  return problems;
}

const weightOf = (node: Node): ReturnType<typeof constantOf> => {
  const index = weightIndexOf(node);
  return index === undefined ? null : constantOf(node.inputs[index]);
};

const hasName = (node: Node, { module, weight }: QuantizedModule): boolean =>
  node.inputs[weightIndexOf(node)!]!.name === `${module}.${weight!.parameter}`;

async function holds(node: Node, { weight }: QuantizedModule): Promise<boolean> {
  const data = weightOf(node)!;
  const codes = isTransposed(node) && weight!.codes.shape.length === 2 ? turned(weight!) : weight!;
  if (data.shape.join() !== codes.codes.shape.join()) return false;
  return isRounded(asFloat32(await data.read()), codes);
}

/** With the Add of its bias, which is part of a Linear, and a Relu, which PyTorch fuses into it. */
function belongTo(node: Node, module: string): void {
  node.origin = { operator: node.op, module, line: null };
  const [use, ...more] = node.outputs[0]!.uses;
  if (!use || more.length > 0 || moduleOf(use.node)) return;
  const isBias = isStandard(use.node, 'Add') && constantOf(use.node.inputs[1 - use.index]) !== null;
  if (isStandard(use.node, 'Relu') || (isStandard(node, 'MatMul') && isBias)) belongTo(use.node, module);
}

const listed = (nodes: readonly Node[]): string =>
  nodes.map((node) => `"${node.name || node.outputs[0]!.name}"`).join(' and ');
