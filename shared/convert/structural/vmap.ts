/**
 * Regions under vmap, as `map`: between `_vmap_increment_nesting` and `_vmap_decrement_nesting` a graph works on single
 * slices
 * (`_add_batch_dim`), and the results are stacked again (`_remove_batch_dim`).
 */
import type { Dim } from '../../tensor/dim.ts';
import type { Argument, NamedArgument, TorchGraph, TorchNode, TorchValue } from '../../torch/program.ts';
import { opened } from './subgraph.ts';

const PREDISPATCH = 'torch._functorch.predispatch::';
const [ENTER, LEAVE, TAKE, STACK] = [
  '_vmap_increment_nesting',
  '_vmap_decrement_nesting',
  '_add_batch_dim',
  '_remove_batch_dim',
].map((name) => PREDISPATCH + name) as [string, string, string, string];

/** The graph without vmap; what does not have the usual form stays, and has no converter. */
export function mapRegions(graph: TorchGraph): TorchGraph {
  const values = new Map(graph.values);
  const nodes = regions(graph.nodes.map(inside), values).filter(
    ({ target }) => target !== `${PREDISPATCH}lazy_load_decompositions`,
  );
  return { ...graph, nodes, values };
}

const inside = (node: TorchNode): TorchNode =>
  node.args.some(({ value }) => value.kind === 'graph')
    ? {
        ...node,
        args: node.args.map(({ name, value }) => ({
          name,
          value: value.kind === 'graph' ? { kind: 'graph', graph: mapRegions(value.graph) } : value,
        })),
      }
    : node;

type Values = Map<string, TorchValue>;

/** Inner regions first: their stack is on top. */
function regions(nodes: readonly TorchNode[], values: Values): TorchNode[] {
  const open: { readonly enter: TorchNode | null; readonly nodes: TorchNode[] }[] = [{ enter: null, nodes: [] }];
  for (const node of nodes) {
    if (node.target === ENTER) open.push({ enter: node, nodes: [] });
    else if (node.target === LEAVE && open.length > 1) {
      const { enter, nodes: within } = open.pop()!;
      open.at(-1)!.nodes.push(...(mapped(within, values) ?? [enter!, ...within, node]));
    } else open.at(-1)!.nodes.push(node);
  }
  return open.flatMap((o) => [...(o.enter ? [o.enter] : []), ...o.nodes]);
}

const tensor = (name: string): Argument => ({ kind: 'tensor', name });
const tensorsOf = (node: TorchNode): string[] =>
  node.args.flatMap(({ value }) => opened(value)).flatMap((a) => ('name' in a && a.kind !== 'object' ? [a.name] : []));
const resultsOf = (node: TorchNode): string[] =>
  node.outputs.flatMap(opened).flatMap((o) => ('name' in o ? [o.name] : []));
const nameAt = (node: TorchNode, i: number): string => (node.args[i]!.value as { name: string }).name;
const intAt = (node: TorchNode, i: number): number | null => {
  const value = node.args[i]?.value;
  return value?.kind === 'int' ? Number(value.value) : null;
};

/** One region as `map_impl`; null when it has another form. */
function mapped(nodes: readonly TorchNode[], values: Values): TorchNode[] | null {
  const takes = nodes.filter((n) => n.target === TAKE);
  const stacks = nodes.filter((n) => n.target === STACK);
  if (
    takes.length === 0 ||
    stacks.length === 0 ||
    [...takes.map((n) => intAt(n, 1)), ...stacks.map((n) => intAt(n, 3))].includes(null)
  )
    return null;
  const batched = new Set(takes.flatMap(resultsOf));
  const [each, once]: [TorchNode[], TorchNode[]] = [[], []];
  for (const node of nodes) {
    if (node.target === TAKE || node.target === STACK) continue;
    const isBatched = tensorsOf(node).some((name) => batched.has(name));
    if (isBatched) for (const name of resultsOf(node)) batched.add(name);
    (isBatched ? each : once).push(node);
  }
  // The slices are made of values from outside; those that depend on no slice are computed once.
  if (takes.some((n) => batched.has(nameAt(n, 0)))) return null;
  const parts = takes.map((n) => toFront(n, values));
  const known = new Set(batched);
  const further = [...new Set([...each.flatMap(tensorsOf), ...stacks.map((n) => nameAt(n, 0))])].filter(
    (name) => !known.has(name),
  );
  const graph: TorchGraph = {
    inputs: [...takes.flatMap(resultsOf), ...further].map((name) => argumentFor(name, values)),
    outputs: stacks.map((n) => tensor(nameAt(n, 0))),
    nodes: each,
    values,
  };
  const after = stacks.map((n) => stackedAs(n, values));
  const call: TorchNode = {
    name: stacks[0]!.name,
    target: 'higher_order::map_impl',
    args: [
      { name: '', value: { kind: 'graph', graph } },
      positional(parts.map((p) => tensor(p.name))),
      positional(further.map((name) => argumentFor(name, values))),
    ],
    outputs: [{ kind: 'tensors', names: after.map((a) => a.name) }],
    source: stacks[0]!.source,
  };
  return [...once, ...parts.flatMap((p) => p.nodes), call, ...after.flatMap((a) => a.nodes)];
}

const positional = (items: readonly Argument[]): NamedArgument => ({ name: '', value: { kind: 'list', items } });

function argumentFor(name: string, values: Values): Argument {
  const kind = values.get(name)?.kind ?? 'tensor';
  return { kind, name };
}

interface Moved {
  readonly name: string;
  readonly nodes: readonly TorchNode[];
}

/** The slices of `_add_batch_dim` lie along the first axis. */
function toFront(like: TorchNode, values: Values): Moved {
  const [name, from, to] = [nameAt(like, 0), intAt(like, 1)!, 0];
  if (from === to) return { name, nodes: [] };
  const result = `${name}__to_front_of_${like.name}`;
  recordMoved(values, { name, result, from, to });
  return { name: result, nodes: [movedim(like, { name, result, from, to })] };
}

interface AxisMove {
  readonly name: string;
  readonly result: string;
  readonly from: number;
  readonly to: number;
}

/** The record of `result`, which is `name` with an axis moved; none where `name` has none. */
function recordMoved(values: Values, { name, result, from, to }: AxisMove): void {
  const recorded = values.get(name);
  if (recorded?.kind !== 'tensor') return;
  const shape: Dim[] = [...recorded.type.shape];
  const [size] = shape.splice(from < 0 ? from + shape.length : from, 1);
  const type = { dtype: recorded.type.dtype, shape: shape.toSpliced(to, 0, size!) };
  values.set(result, { kind: 'tensor', type, strides: [], offset: 0 });
}

/** The results come stacked along the first axis. */
function stackedAs(node: TorchNode, values: Values): Moved {
  const [result] = resultsOf(node);
  const to = intAt(node, 3)!;
  if (to === 0) return { name: result!, nodes: [] };
  const name = `${result}__stacked`;
  recordMoved(values, { name: result!, result: name, from: to, to: 0 });
  return { name, nodes: [movedim(node, { name: result!, result: name, from: 0, to })] };
}

const movedim = (like: TorchNode, { name, result, from, to }: AxisMove): TorchNode => ({
  name: result,
  target: 'aten::movedim.int',
  args: [
    { name: 'self', value: tensor(name) },
    { name: 'source', value: { kind: 'int', value: from } },
    { name: 'destination', value: { kind: 'int', value: to } },
  ],
  outputs: [tensor(result)],
  source: like.source,
});
