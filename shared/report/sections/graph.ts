/** The graph of the model, collapsed to its modules. */
import type { Section } from '../elements.ts';
import type { GraphFacts } from '../graph/facts.ts';
import { graphPicture } from '../graph/graph-page.ts';
import type { Limits } from '../limits.ts';
import type { Report } from '../report.ts';

export const graph = (report: Report, facts: GraphFacts | null, limits: Limits): Section | null =>
  facts && facts.nodes.length ? { id: 'graph', title: 'Graph', body: graphPicture(facts, report, limits) } : null;
