/** A model's graph as data: what there is to look at, without a weight. */
import type { ReportedTensor } from '../report.ts';

/** The file that shows it, beside the report. */
export const GRAPH_PAGE = 'graph.html';

export interface GraphNode {
  readonly name: string;
  readonly operator: string;
  /** Where it comes from in PyTorch, as far as that was recorded. */
  readonly origin: { readonly operator: string; readonly module: string; readonly line: string | null } | null;
  /** Nodes whose results it reads, by their place in the list. */
  readonly reads: readonly number[];
  /** Inputs of the model that it reads, by their place. */
  readonly inputs: readonly number[];
  readonly weights: readonly ReportedTensor[];
  readonly results: readonly ReportedTensor[];
}

export interface GraphFacts {
  readonly inputs: readonly ReportedTensor[];
  /** `from`: the node that computes it; null: it is an input or a weight. */
  readonly outputs: readonly (ReportedTensor & { readonly from: number | null })[];
  /** In an order in which they can be computed. */
  readonly nodes: readonly GraphNode[];
}
