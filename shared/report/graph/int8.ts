/** What became of a node in the quantized models: its precision, its kernel, how far it is off. */
import { isQuantized } from '../../choices.ts';
import { kernelSummary } from '../kernels.ts';
import type { QuantizedOperator, Report, Variant } from '../report.ts';
import type { GraphFacts, GraphNode } from './facts.ts';

export interface NodeInt8 {
  readonly variant: string;
  /** `codes`: an integer kernel computes it; `kept`: it was quantized, but onnxruntime computes it in float. */
  readonly precision: 'codes' | 'kept' | 'float';
  readonly kernel: string | null;
  /** Why it is computed in float; null: it is not, or nobody said. */
  readonly reason: string | null;
  /** Of its result from FP32, in decibels; null: not measured, or equal. */
  readonly sqnr: number | null;
}

/** By the place of the node, an entry for each quantized variant that says something of it. */
export function int8Of(facts: GraphFacts, { variants }: Pick<Report, 'variants'>): readonly (readonly NodeInt8[])[] {
  const quantized = variants.filter((variant) => isQuantized(variant) && (variant.quantization || variant.validation));
  const found = quantized.map((variant) => ofVariant(facts, variant));
  return facts.nodes.map((_, at) => found.flatMap((nodes) => nodes[at] ?? []));
}

function ofVariant(facts: GraphFacts, { name, quantization, validation }: Variant): readonly (NodeInt8 | null)[] {
  const kernels = kernelsByNode(facts, validation?.kernels ?? []);
  const layers = new Map(quantization?.layers.map((layer) => [layer.layer, layer.sqnr]));
  const skipped = new Map(quantization?.skipped.map(({ node, reason }) => [node, reason]));
  const floats = new Set(kernelSummary(validation?.kernels ?? []).float.map(({ node }) => node));
  return facts.nodes.map((node, at): NodeInt8 | null => {
    const row = kernels.get(at);
    const sqnr = layers.get(node.name) ?? null;
    if (row) {
      const precision = floats.has(row.node) ? 'kept' : 'codes';
      return { variant: name, precision, kernel: row.kernel, reason: row.reason, sqnr };
    }
    const reason = skipped.get(node.name) ?? null;
    if (reason === null && !layers.has(node.name)) return null;
    return { variant: name, precision: layers.has(node.name) ? 'codes' : 'float', kernel: null, reason, sqnr };
  });
}

/**
 * A node of a QDQ file keeps its name. One of a QLinear file has another, and the place in PyTorch it comes from: where
 * several nodes come from one place, they go by their order.
 */
function kernelsByNode(
  { nodes }: GraphFacts,
  operators: readonly QuantizedOperator[],
): ReadonlyMap<number, QuantizedOperator> {
  const found = new Map<number, QuantizedOperator>();
  const byName = new Map(nodes.map((node, at) => [node.name, at]));
  const open = operators.filter((row) => {
    const at = byName.get(row.node);
    if (at !== undefined) found.set(at, row);
    return at === undefined && row.origin;
  });
  const places = Map.groupBy(nodes.keys(), (at) => placeOf(nodes[at]!));
  for (const [place, rows] of Map.groupBy(open, placeOf)) {
    const there = (places.get(place) ?? []).filter((at) => !found.has(at));
    const fitting = meantBy(rows[0]!, there, nodes);
    if (fitting.length === rows.length) rows.forEach((row, i) => found.set(fitting[i]!, row));
  }
  return found;
}

/**
 * Of nodes that one line of PyTorch became, those that an operator on codes can stand for: those with a matrix of
 * weights, else those whose operator it has in its name, as QLinearAdd has Add.
 */
function meantBy(
  { operator }: QuantizedOperator,
  there: readonly number[],
  nodes: GraphFacts['nodes'],
): readonly number[] {
  const weighted = there.filter((at) => nodes[at]!.weights.some(({ shape }) => shape.length > 1));
  if (weighted.length) return weighted;
  const named = there.filter((at) => operator.includes(nodes[at]!.operator));
  const longest = Math.max(0, ...named.map((at) => nodes[at]!.operator.length));
  return named.filter((at) => nodes[at]!.operator.length === longest);
}

const placeOf = ({ origin }: Pick<GraphNode, 'origin'> | QuantizedOperator): string =>
  origin ? JSON.stringify([origin.operator, origin.module, origin.line]) : '';

/** The smallest SQNR of several nodes; null: none was measured. */
export const worstOf = (entries: readonly NodeInt8[]): number | null =>
  entries.reduce<number | null>(
    (worst, { sqnr }) => (sqnr === null || (worst !== null && worst <= sqnr) ? worst : sqnr),
    null,
  );
