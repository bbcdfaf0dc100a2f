/** The graph of the converted model, kept between the stage that makes it and the one that shows it. */
import type { GraphFacts } from '../../report/graph/facts.ts';
import { writeJson } from '../../report/json.ts';
import type { Workspace } from './workspace.ts';

const NAME = 'graph.json';

export const keepGraph = (workspace: Workspace, graph: GraphFacts): Promise<void> =>
  workspace.keep(NAME, new TextEncoder().encode(writeJson(graph)));

export async function keptGraph(workspace: Workspace): Promise<GraphFacts | null> {
  const text = await workspace.textFile(NAME).read();
  // Written by keepGraph.
  return text === null ? null : (JSON.parse(text) as GraphFacts);
}
