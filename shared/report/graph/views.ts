/** What one picture of a graph shows: the members of one group as boxes, what leads in and out, and arrows. */
import type { GraphFacts } from './facts.ts';
import { type Group, type Member, moduleTree } from './module-tree.ts';

export type Box =
  | { readonly kind: 'node'; readonly node: number }
  | { readonly kind: 'group'; readonly view: number; readonly group: Group }
  /** Inputs and outputs of the model, by their place. */
  | { readonly kind: 'input' | 'output'; readonly at: number }
  /** All of them in one box, where they are many. */
  | { readonly kind: 'inputs' | 'outputs' }
  /** Everything outside of the group that it reads, or that reads it. */
  | { readonly kind: 'before' | 'behind' };

export interface View {
  readonly group: Group;
  /** The view that has this group as a box; null: it is the whole model. */
  readonly parent: number | null;
  readonly boxes: readonly Box[];
  /** From box to box, each pair once. */
  readonly arrows: readonly (readonly [from: number, to: number])[];
}

/** The whole model first, then its groups, outer before inner. */
export function viewsOf(facts: GraphFacts): readonly View[] {
  const found: Found[] = [{ group: moduleTree(facts), parent: null, views: new Map() }];
  // What is found grows while it is walked through.
  for (const [at, { group, views }] of found.entries())
    for (const member of group.members)
      if ('group' in member)
        views.set(member.group, found.push({ group: member.group, parent: at, views: new Map() }) - 1);
  return found.map((each) => viewOf(each, facts));
}

interface Found {
  readonly group: Group;
  readonly parent: number | null;
  /** Where the views of its members stand. */
  readonly views: Map<Group, number>;
}

function viewOf({ group, parent, views }: Found, facts: GraphFacts): View {
  const boxes: Box[] = group.members.map((member) =>
    'group' in member
      ? { kind: 'group', view: views.get(member.group)!, group: member.group }
      : { kind: 'node', node: member.node },
  );
  // Box of every node inside.
  const placed = new Map(group.members.flatMap((member, box) => nodesIn(member).map((node) => [node, box] as const)));
  const arrows = new Set<string>();
  const ends = new Map<string, number>();
  const boxOf = (box: Box): number => {
    const key = `${box.kind} ${'at' in box ? box.at : ''}`;
    if (!ends.has(key)) ends.set(key, boxes.push(box) - 1);
    return ends.get(key)!;
  };
  const point = (from: number, to: number): void => void (from !== to && arrows.add(`${from} ${to}`));
  for (const [node, box] of placed) {
    for (const from of facts.nodes[node]!.reads) point(placed.get(from) ?? boxOf({ kind: 'before' }), box);
    for (const at of facts.nodes[node]!.inputs) point(boxOf(inputBox(at, facts)), box);
  }
  for (const [at, { from }] of facts.outputs.entries())
    if (from !== null && placed.has(from)) point(placed.get(from)!, boxOf(outputBox(at, facts)));
  if (parent !== null)
    for (const [node, { reads }] of facts.nodes.entries())
      if (!placed.has(node))
        for (const from of reads) if (placed.has(from)) point(placed.get(from)!, boxOf({ kind: 'behind' }));
  return {
    group,
    parent,
    boxes,
    arrows: [...arrows].map((arrow) => arrow.split(' ').map(Number) as [number, number]),
  };
}

/** As many inputs or outputs have a box each. */
const MOST_ENDS = 12;

const inputBox = (at: number, { inputs }: GraphFacts): Box =>
  inputs.length > MOST_ENDS ? { kind: 'inputs' } : { kind: 'input', at };
const outputBox = (at: number, { outputs }: GraphFacts): Box =>
  outputs.length > MOST_ENDS ? { kind: 'outputs' } : { kind: 'output', at };

/** Places of all nodes in it. */
export const nodesIn = (member: Member): readonly number[] =>
  'group' in member ? member.group.members.flatMap(nodesIn) : [member.node];
