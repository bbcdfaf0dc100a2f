/** Passes over a model, and rules that replace one node: how every change of a graph is made. */
import { typeText } from '../tensor/type.ts';
import { type Builder, makeBuilder } from './builder.ts';
import type { Graph, Model, Node, Value } from './ir.ts';
import { OLDEST_UNDERSTOOD } from './opset.ts';
import { highestSerial } from './serials.ts';

export interface PassResult {
  readonly pass: string;
  readonly changes: number;
}
/** What passes and rules changed, by name, in the order in which they first did. For the report. */
export type PassLog = PassResult[];

export interface Pass {
  readonly name: string;
  /** The number of changes. Those of rules and of passes in a list are logged one by one. */
  run(model: Model, log?: PassLog): number;
}

export interface Rule {
  readonly name: string;
  /** The operators it looks at; left out: every one. */
  readonly root?: string | readonly string[];
  /**
   * What takes the place of the node's outputs (one value: of the first, when nobody reads the others), or null to
   * leave
   * the node as it is. Nodes built with `op` stand in the node's graph and carry its origin.
   */
  rewrite(node: Node, op: Builder): Value | readonly Value[] | null;
}

export function logChanges(log: PassLog | undefined, pass: string, changes: number): void {
  if (!log || changes === 0) return;
  const at = log.findIndex((entry) => entry.pass === pass);
  if (at < 0) log.push({ pass, changes });
  else log[at] = { pass, changes: log[at]!.changes + changes };
}

/** A pass of its own name in the log. */
export const pass = (name: string, change: (model: Model) => number): Pass => ({
  name,
  run(model, log) {
    const changes = change(model);
    logChanges(log, name, changes);
    return changes;
  },
});

export const sequence = (name: string, passes: readonly Pass[]): Pass => ({
  name,
  run: (model, log) => passes.reduce((changes, step) => changes + step.run(model, log), 0),
});

/** Rounds after which a list of passes that does not settle is left as it is; real models settle in two or three. */
const MOST_ROUNDS = 30;

export const untilStable = (step: Pass): Pass => ({
  name: step.name,
  run(model, log) {
    let total = 0;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const changes = step.run(model, log);
      if (changes === 0) break;
      total += changes;
    }
    return total;
  },
});

/** Tries the rules in order on every node, those of subgraphs included. */
export const rewriting = (name: string, rules: readonly Rule[]): Pass => ({
  name,
  run(model, log) {
    if ((model.opsets.get('') ?? 0) < OLDEST_UNDERSTOOD) return 0;
    const byRoot = rulesByRoot(rules);
    const counts = new Map<Rule, number>();
    rewriteGraph(model.graph, builderFor(model), byRoot, (rule) => counts.set(rule, (counts.get(rule) ?? 0) + 1));
    for (const rule of rules) logChanges(log, rule.name, counts.get(rule) ?? 0);
    return [...counts.values()].reduce((a, b) => a + b, 0);
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

function rewriteGraph(graph: Graph, op: Builder, rulesOf: RulesOf, count: (rule: Rule) => void): void {
  let changed = false;
  for (const node of [...graph.nodes]) {
    if (node.graph !== graph) continue;
    for (const subgraph of node.subgraphs())
      rewriteGraph(subgraph, makeBuilder(subgraph, op.opset, op), rulesOf, count);
    if (node.domain !== '') continue;
    const rule = rulesOf(node.op).find((candidate) => apply(candidate, node, op));
    if (!rule) continue;
    changed = true;
    count(rule);
  }
  // The builder appends: put new nodes before those that read them.
  if (changed) graph.sortNodes();
}

function apply(rule: Rule, node: Node, op: Builder): boolean {
  const graph = node.graph!;
  op.origin = node.origin;
  const result = rule.rewrite(node, op);
  if (result === null) return false;
  const replacements = Array.isArray(result) ? (result as readonly Value[]) : [result as Value];
  const isIdle = node.op === 'Identity' && !canTakeName(graph, node.outputs[0]!, replacements[0]!);
  if (isIdle) return false;
  node.outputs.forEach((output, i) => {
    const replacement = replacements[i];
    if (replacement) replaceValue(graph, output, replacement, op);
    else if (isRead(output)) throw new Error(`rule ${rule.name} drops "${output.name}" of ${node.op}, which is read`);
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
export function replaceValue(graph: Graph, from: Value, to: Value, op: Builder): void {
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
