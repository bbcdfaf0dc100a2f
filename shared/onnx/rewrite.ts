/** Rules that replace one node, and what they need: how every change of a graph is made. */
import { typeText } from '../tensor/type.ts';
import { type Builder, makeBuilder } from './builder.ts';
import type { Graph, Model, Node, Value } from './ir.ts';
import { isStandard } from './match.ts';
import { OLDEST_UNDERSTOOD } from './opset.ts';
import { Declined, type Pass, PassLog, type Rule } from './pass.ts';
import { highestSerial } from './serials.ts';

/** Tries the rules in order on every node, those of subgraphs included. */
export const rewriting = (name: string, rules: readonly Rule[]): Pass => ({
  name,
  run(model, log = new PassLog()) {
    if ((model.opsets.get('') ?? 0) < OLDEST_UNDERSTOOD) return 0;
    const walk = new Walk(rulesByRoot(rules), log);
    walk.graph(model.graph, builderFor(model));
    for (const rule of rules) log.changed(rule.name, walk.counts.get(rule) ?? 0);
    return [...walk.counts.values()].reduce((a, b) => a + b, 0);
  },
});

type RulesOf = (op: string) => readonly Rule[];

function rulesByRoot(rules: readonly Rule[]): RulesOf {
  const cache = new Map<string, readonly Rule[]>();
  const matches = (rule: Rule, op: string): boolean =>
    rule.root === undefined || (typeof rule.root === 'string' ? rule.root === op : rule.root.includes(op));
  return (op) => {
    const known = cache.get(op) ?? rules.filter((rule) => matches(rule, op));
    cache.set(op, known);
    return known;
  };
}

class Walk {
  readonly counts = new Map<Rule, number>();
  readonly #rulesOf: RulesOf;
  readonly #log: PassLog;
  constructor(rulesOf: RulesOf, log: PassLog) {
    this.#rulesOf = rulesOf;
    this.#log = log;
  }

  graph(graph: Graph, op: Builder): void {
    let changed = false;
    for (const node of [...graph.nodes]) {
      if (node.graph !== graph) continue;
      for (const subgraph of node.subgraphs()) this.graph(subgraph, makeBuilder(subgraph, op.opset, op));
      if (node.domain !== '') continue;
      const rule = this.#rulesOf(node.op).find((candidate) => this.#apply(candidate, node, op));
      if (!rule) continue;
      changed = true;
      this.counts.set(rule, (this.counts.get(rule) ?? 0) + 1);
    }
    // The builder appends: put new nodes before those that read them.
    if (changed) graph.sortNodes();
  }

  #apply(rule: Rule, node: Node, op: Builder): boolean {
    op.origin = node.origin;
    const result = rule.rewrite(node, op);
    if (result instanceof Declined) this.#log.declined(rule.name, node, result.reason);
    if (result === null || result instanceof Declined) return false;
    return replaceNode(rule, node, { values: Array.isArray(result) ? result : [result as Value], op });
  }
}

/** False where the new values would change nothing. */
function replaceNode(
  { name }: Rule,
  node: Node,
  { values, op }: { readonly values: readonly Value[]; readonly op: Builder },
): boolean {
  const graph = node.graph!;
  const isIdle = isStandard(node, 'Identity') && !canTakeName(graph, node.outputs[0]!, values[0]!);
  if (isIdle) return false;
  node.outputs.forEach((output, i) => {
    const replacement = values[i];
    if (replacement) replaceValue(graph, { from: output, to: replacement }, op);
    else if (isRead(output)) throw new Error(`rule ${name} drops "${output.name}" of ${node.op}, which is read`);
  });
  graph.removeNode(node);
  return true;
}

/** Whether a node or the outside reads it. */
export const isRead = (value: Value): boolean => value.uses.size > 0 || isGraphOutput(value);
export const isGraphOutput = (value: Value): boolean => value.producer?.graph?.isOutput(value) ?? false;

/** A graph output has to be computed by a node of its graph and be one output only. */
const canTakeName = (graph: Graph, from: Value, to: Value): boolean =>
  !graph.isOutput(from) || (to.producer?.graph === graph && !graph.isOutput(to));

/** Everybody who read `from` reads `to`. A graph output keeps its name: `to` takes it over, or an Identity does. */
export function replaceValue(
  graph: Graph,
  { from, to }: { readonly from: Value; readonly to: Value },
  op: Builder,
): void {
  requireSameType(from, to);
  to.type ??= from.type;
  to.content ??= from.content;
  if (graph.isOutput(from)) {
    const output = canTakeName(graph, from, to) ? to : op.Identity([to]);
    [output.name, from.name] = [from.name, output.name];
    // The type of an output is what users see: its names for dimensions stay.
    output.type = from.type;
    output.isInferred = from.isInferred;
    if (output !== to) graph.outputs[graph.outputs.indexOf(from)] = output;
  }
  graph.replaceUses(from, to);
}

function requireSameType({ type: a }: Value, { type: b }: Value): void {
  if (a && b && (a.dtype !== b.dtype || a.shape.length !== b.shape.length))
    throw new Error(`a value of type ${typeText(a)} cannot be replaced by ${typeText(b)}`);
}

/** A builder for nodes of an existing model: its fresh names and dimensions are new to the model. */
export function builderFor(model: Model): Builder {
  const op = makeBuilder(model.graph, model.opsets.get('') ?? 0);
  for (let serial = highestSerial(model.graph); serial >= 0; serial--) op.freshName();
  return op;
}
