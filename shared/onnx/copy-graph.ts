/** Copies a graph into another, beside what is there: two models that are run as one. */
import { type Attribute, Graph, Node, Value } from './ir.ts';

interface Copying {
  /** Before the name of each value and node that is copied; inputs of the graph keep theirs. */
  readonly prefix: string;
  /** What stands for a value already: inputs and weights of an earlier copy, which both then read. Grows. */
  readonly known: Map<Value, Value>;
}

/**
 * Copies inputs, weights and nodes; outputs are left to the caller, who finds each value's copy in `known`. Numbers are
 * not read.
 */
export function copyGraph(source: Graph, target: Graph, { prefix, known }: Copying): void {
  const copyOf = (value: Value, name: string): Value => {
    const copy = new Value(name, value.type);
    Object.assign(copy, { isInferred: value.isInferred, data: value.data, content: value.content });
    known.set(value, copy);
    return copy;
  };
  const nodesInto = (from: Graph, to: Graph): void => {
    for (const value of from.initializers)
      to.initializers.add(known.get(value) ?? copyOf(value, `${prefix}${value.name}`));
    const nodes = [...from.nodes];
    // First all that is computed: the order of the nodes does not matter. An output that is left out has no name.
    const computed = nodes.map(({ outputs }) =>
      outputs.map((value) => copyOf(value, value.name && `${prefix}${value.name}`)),
    );
    for (const [i, { op, domain, name, inputs, attributes, origin }] of nodes.entries()) {
      const node = new Node({
        op,
        domain,
        inputs: inputs.map((value) => value && known.get(value)!),
        outputs: computed[i]!,
        attributes: [...attributes].map(([key, attribute]) => [key, attributeCopy(attribute)] as const),
      });
      node.name = name && `${prefix}${name}`;
      node.origin = origin;
      to.addNode(node);
    }
  };
  const attributeCopy = (attribute: Attribute): Attribute => {
    if (attribute.kind !== 'graph') return attribute;
    const body = new Graph(attribute.value.name);
    body.inputs.push(...attribute.value.inputs.map((value) => copyOf(value, `${prefix}${value.name}`)));
    nodesInto(attribute.value, body);
    body.outputs.push(...attribute.value.outputs.map((value) => known.get(value)!));
    return { kind: 'graph', value: body };
  };
  for (const value of source.inputs) if (!known.has(value)) target.inputs.push(copyOf(value, value.name));
  nodesInto(source, target);
}
