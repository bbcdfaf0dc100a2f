/** Checks that a model is well formed: names, scopes, order, links, and calls that fit the operator table. */
import type { Attribute, Graph, Model, Node, Value } from './ir.ts';
import { everyNode } from './match.ts';
import { rowOf } from './schema/lookup.ts';
import { type OpRow, signatureOf } from './schema/row.ts';

/** A model we built that is not well formed is a bug. */
export function checkModel(model: Model): void {
  const problems = [...structureProblems(model), ...operatorProblems(model)];
  if (problems.length) throw new Error(`the model is not well formed:\n  ${problems.slice(0, 20).join('\n  ')}`);
}

export const nodeText = (node: Node): string =>
  `${node.domain ? `${node.domain}.` : ''}${node.op}${node.name ? ` "${node.name}"` : ''} ` +
  `(${node.outputs.map((o) => o.name).join(', ')})`;

/** What is wrong with names, scopes, order and links. */
export function structureProblems(model: Model): string[] {
  const check = new StructureCheck();
  check.graph(model.graph, new Set());
  check.links();
  return check.problems;
}

class StructureCheck {
  readonly problems: string[] = [];
  readonly #names = new Map<string, Value>();
  readonly #values = new Set<Value>();
  readonly #nodes = new Set<Node>();

  /** `outer`: the values of enclosing graphs that stand before this one. */
  graph(graph: Graph, outer: ReadonlySet<Value>): void {
    const inScope = new Set(outer);
    const own = new Set<Value>();
    const define = (value: Value, what: string): void => {
      this.#define(value, what);
      inScope.add(value);
      own.add(value);
    };
    for (const value of graph.inputs) define(value, 'input');
    for (const value of graph.initializers) {
      define(value, 'initializer');
      if (!value.data) this.problems.push(`initializer "${value.name}" has no data`);
    }
    for (const value of own)
      if (value.producer) this.problems.push(`"${value.name}" is given and computed by ${nodeText(value.producer)}`);
    for (const node of graph.nodes) {
      this.#nodes.add(node);
      if (node.graph !== graph) this.problems.push(`${nodeText(node)} does not know its graph`);
      for (const input of node.inputs)
        if (input && !inScope.has(input))
          this.problems.push(`${nodeText(node)} reads "${input.name}" before it is computed, or from another graph`);
      for (const subgraph of node.subgraphs()) this.graph(subgraph, inScope);
      for (const output of node.outputs) {
        if (output.producer !== node)
          this.problems.push(`"${output.name}" does not know that ${nodeText(node)} computes it`);
        define(output, 'output of a node');
      }
    }
    for (const output of graph.outputs)
      if (!own.has(output))
        this.problems.push(`output "${output.name}" of graph "${graph.name}" is not computed in it`);
    if (new Set(graph.outputs).size !== graph.outputs.length)
      this.problems.push(`graph "${graph.name}" gives one value as two outputs`);
  }

  #define(value: Value, what: string): void {
    if (this.#values.has(value)) this.problems.push(`"${value.name}" stands twice in the model`);
    this.#values.add(value);
    if (value.name === '') {
      // An optional output that is not wanted.
      if (!value.producer || value.uses.size) this.problems.push(`an ${what} in use has no name`);
      return;
    }
    const other = this.#names.get(value.name);
    if (other) this.problems.push(`the name "${value.name}" is given twice`);
    this.#names.set(value.name, value);
  }

  links(): void {
    for (const value of this.#values) {
      for (const { node, index } of value.uses) {
        if (!this.#nodes.has(node))
          this.problems.push(`"${value.name}" lists a use by ${nodeText(node)}, which is not in the model`);
        else if (node.inputs[index] !== value)
          this.problems.push(`"${value.name}" lists a use by ${nodeText(node)} that does not read it`);
      }
    }
    for (const node of this.#nodes) {
      node.inputs.forEach((input, index) => {
        if (input && ![...input.uses].some((use) => use.node === node && use.index === index)) {
          this.problems.push(`${nodeText(node)} reads "${input.name}", which does not list it`);
        }
      });
    }
  }
}

/**
 * Calls that do not fit the operator table, and values without a type. Operators of other domains are taken as they
 * are.
 */
export function operatorProblems(model: Model): string[] {
  const problems: string[] = [];
  for (const node of everyNode(model.graph)) {
    const row = rowOf(node);
    const opset = model.opsets.get(node.domain);
    if (opset === undefined)
      problems.push(`${nodeText(node)}: the model names no opset for the domain "${node.domain}"`);
    else if (row)
      problems.push(
        ...callProblems(node, row, node.domain === '' ? opset : Infinity).map(
          (problem) => `${nodeText(node)}: ${problem}`,
        ),
      );
    else if (node.domain === '') problems.push(`${nodeText(node)}: no such operator`);
    if (row && !row.untyped)
      for (const output of node.outputs)
        if (!output.type && output.name) problems.push(`${nodeText(node)}: output "${output.name}" has no type`);
  }
  return problems;
}

function callProblems(node: Node, row: OpRow, opset: number): string[] {
  const problems: string[] = [];
  if (opset < row.since[0]!) problems.push(`it exists since opset ${row.since[0]}, the model has ${opset}`);
  // Where older versions had an attribute, the input of the newest one is missing.
  const isOlderForm = Object.values(row.attributes ?? {}).some(({ until }) => until !== undefined && opset < until);
  const takes = signatureOf(row.inputs);
  const gives = signatureOf(row.outputs ?? 'Y');
  if (node.inputs.length > takes.most) problems.push(`${node.inputs.length} inputs, it takes ${takes.most}`);
  if (!isOlderForm) {
    takes.required.forEach((name, i) => {
      if (name !== null && !node.inputs[i]) problems.push(`input ${name} is missing`);
    });
  }
  if (node.outputs.length > gives.most || node.outputs.length === 0)
    problems.push(`${node.outputs.length} outputs, it gives ${gives.most}`);
  for (const [name, attribute] of node.attributes) problems.push(...attributeProblems(name, attribute, { row, opset }));
  for (const [name, spec] of Object.entries(row.attributes ?? {})) {
    const isRequired =
      spec.default === undefined && !spec.optional && opset >= (spec.since ?? 0) && opset < (spec.until ?? Infinity);
    if (isRequired && !node.attributes.has(name)) problems.push(`attribute ${name} is missing`);
  }
  return problems;
}

function attributeProblems(
  name: string,
  attribute: Attribute,
  { row, opset }: { readonly row: OpRow; readonly opset: number },
): string[] {
  const spec = row.attributes?.[name];
  if (!spec) return [`it has no attribute ${name}`];
  if (spec.kind !== attribute.kind) return [`attribute ${name} is of kind ${attribute.kind}, not ${spec.kind}`];
  if (opset < (spec.since ?? 0)) return [`attribute ${name} exists since opset ${spec.since}`];
  if (opset !== Infinity && opset >= (spec.until ?? Infinity))
    return [`attribute ${name} is gone since opset ${spec.until}`];
  return [];
}
