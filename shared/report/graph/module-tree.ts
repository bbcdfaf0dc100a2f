/** Nodes of a graph in groups: PyTorch's modules, by their path. What is a long list even so is cut into parts. */
import type { GraphFacts } from './facts.ts';

export interface Group {
  /** The path of the module, with a part of it at the end where it was cut; empty for the whole model. */
  readonly path: string;
  /** Its last part, for people. */
  readonly label: string;
  /** In the order of the graph. */
  readonly members: readonly Member[];
  /** How many nodes it holds, those of inner groups included. */
  readonly nodes: number;
}

/** A node, by its place in the list, or an inner group. */
export type Member = { readonly node: number } | { readonly group: Group };

/** What one picture can show. */
export const MOST_MEMBERS = 48;

/**
 * A module that holds nothing but one other, or one node, is no group of its own: to open it would show what it says
 * already.
 */
export function moduleTree({ nodes }: Pick<GraphFacts, 'nodes'>): Group {
  const root = draft('');
  for (const [at, { origin }] of nodes.entries()) {
    let inside = root;
    for (const part of partsOf(origin?.module ?? '')) inside = inside.inner(part);
    inside.members.push(at);
  }
  return finished(root, '');
}

const partsOf = (module: string): readonly string[] => (module === '' ? [] : module.split('.'));

interface Draft {
  readonly path: string;
  readonly members: (number | Draft)[];
  /** The module of that name in it, made where it is met first. */
  inner(part: string): Draft;
}

function draft(path: string): Draft {
  const groups = new Map<string, Draft>();
  const members: (number | Draft)[] = [];
  return {
    path,
    members,
    inner(part) {
      const known = groups.get(part);
      if (known) return known;
      const made = draft(path === '' ? part : `${path}.${part}`);
      groups.set(part, made);
      members.push(made);
      return made;
    },
  };
}

/** `enclosing`: the path of the group it stands in. */
function finished(given: Draft, enclosing: string): Group {
  const { path, members } = withoutWrappers(given);
  const inside = members.map((member): Member => {
    if (typeof member === 'number') return { node: member };
    const group = finished(member, path);
    const [single] = group.members;
    return group.members.length === 1 && single ? single : { group };
  });
  const label = enclosing === '' ? path : path.slice(enclosing.length + 1);
  return { path, label, members: cut(path, inside), nodes: countNodes(inside) };
}

/** The innermost module that holds all there is: its path has the names of the others. */
function withoutWrappers(group: Draft): Draft {
  const [only] = group.members;
  return group.members.length === 1 && typeof only === 'object' ? withoutWrappers(only) : group;
}

const countNodes = (members: readonly Member[]): number =>
  members.reduce((sum, member) => sum + ('group' in member ? member.group.nodes : 1), 0);

/** Runs of neighbours become groups of their own, as often as it takes until one picture shows them all. */
function cut(path: string, members: readonly Member[]): readonly Member[] {
  if (members.length <= MOST_MEMBERS) return members;
  const size = Math.ceil(members.length / Math.ceil(members.length / MOST_MEMBERS));
  const parts: Member[] = [];
  for (let start = 0; start < members.length; start += size) {
    const part = members.slice(start, start + size);
    const label = `${start + 1} to ${start + part.length}`;
    parts.push({ group: { path: `${path}[${label}]`, label, members: part, nodes: countNodes(part) } });
  }
  return cut(path, parts);
}
