/** Nodes in groups by the path of their PyTorch module. */
import { expect, test } from 'vitest';
import { type Group, type Member, moduleTree, MOST_MEMBERS } from '../../../shared/report/graph/module-tree.ts';
import { nodesIn } from '../../../shared/report/graph/views.ts';
import { chain, graph } from './samples.ts';

/** `layer(0 1) 2`: groups with their labels, nodes with their places. */
const written = ({ members }: Group): string =>
  members
    .map((member) => ('group' in member ? `${member.group.label}(${written(member.group)})` : `${member.node}`))
    .join(' ');
const tree = (...modules: readonly string[]): string =>
  written(moduleTree(graph(...modules.map((module, at) => ['Op', module, at ? [at - 1] : []] as const))));

test.each<[string, readonly string[], string]>([
  ['nodes of one module are a group', ['fc', 'fc', ''], 'fc(0 1) 2'],
  ['a module stands where its first node stands', ['', 'a', '', 'a'], '0 a(1 3) 2'],
  ['modules lie in modules', ['a.b', 'a.b', 'a.c', 'a.c', ''], 'a(b(0 1) c(2 3)) 4'],
  ['one node needs no group', ['a', 'b.c', ''], '0 1 2'],
  ['nor does a module that holds one other: its name stays', ['e.layer.0', 'e.layer.0', ''], 'e.layer.0(0 1) 2'],
  [
    'of modules in a list each is a group',
    ['e.layer.0', 'e.layer.0', 'e.layer.1', 'e.layer.1', ''],
    'e.layer(0(0 1) 1(2 3)) 4',
  ],
  ['what everything lies in is the whole model', ['m.a', 'm.a', 'm.b'], 'a(0 1) 2'],
  ['without modules there are only nodes', ['', '', ''], '0 1 2'],
])('%s', (_, modules, expected) => expect(tree(...modules)).toBe(expected));

test('a path that begins like another is another', () => {
  expect(tree('a', 'a', 'a.b', 'a.b', 'ab', 'ab')).toBe('a(0 1 b(2 3)) ab(4 5)');
});

const groupsIn = (member: Member): readonly Group[] =>
  'group' in member ? [member.group, ...member.group.members.flatMap(groupsIn)] : [];

test.each([MOST_MEMBERS, MOST_MEMBERS + 1, 1000, 5000])(
  '%d nodes of one module: every picture stays small',
  (count) => {
    const root = moduleTree(chain(count));
    const groups = groupsIn({ group: root });
    expect(Math.max(...groups.map(({ members }) => members.length))).toBeLessThanOrEqual(MOST_MEMBERS);
    expect(nodesIn({ group: root })).toEqual(Array.from({ length: count }, (_, at) => at));
    expect(root.nodes).toBe(count);
    expect(groups.length === 1).toBe(count <= MOST_MEMBERS);
  },
);

test('parts of a long list say which they are', () => {
  const { members } = moduleTree(chain(MOST_MEMBERS + 2));
  expect(members.map((member) => ('group' in member ? member.group.label : member.node))).toEqual([
    '1 to 25',
    '26 to 50',
  ]);
});
