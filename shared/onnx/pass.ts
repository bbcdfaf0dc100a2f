/** What a pass and a rule are, and the log of what they did. */
import type { Builder } from './builder.ts';
import type { Model, Node, Value } from './ir.ts';

export interface Pass {
  readonly name: string;
  /** The number of changes. Those of rules and of passes in a list are logged one by one. */
  run(model: Model, log?: PassLog): number;
}

export interface Rule {
  readonly name: string;
  /** The operators it looks at; left out: every one. */
  readonly root?: string | readonly string[];
  /** It computes weights that are not in the file they came from: left out where weights are to be linked. */
  readonly newWeights?: true;
  /**
   * What takes the place of the node's outputs (one value: of the first, when nobody reads the others); to leave the
   * node as it is, null, or the reason where somebody may want to know it. Nodes built with `op` stand in the node's
   * graph and carry its origin.
   */
  rewrite(node: Node, op: Builder): Value | readonly Value[] | Declined | null;
}

/** Why a rule leaves a node as it is. */
export class Declined {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}
export const declined = (reason: string): Declined => new Declined(reason);

export interface PassResult {
  readonly pass: string;
  readonly changes: number;
}

export interface DeclinedNode {
  readonly rule: string;
  readonly node: Node;
  readonly reason: string;
}

/** What passes and rules changed, by name, in the order in which they first did; what they left alone, and why. */
export class PassLog {
  readonly results: PassResult[] = [];
  readonly warnings: string[] = [];
  readonly #declined = new Map<string, Map<Node, string>>();

  changed(pass: string, changes: number): void {
    if (changes === 0) return;
    const at = this.results.findIndex((entry) => entry.pass === pass);
    if (at < 0) this.results.push({ pass, changes });
    else this.results[at] = { pass, changes: this.results[at]!.changes + changes };
  }

  /** What users should know of. */
  warn(message: string): void {
    this.warnings.push(message);
  }

  declined(rule: string, node: Node, reason: string): void {
    const nodes = this.#declined.get(rule) ?? new Map<Node, string>();
    this.#declined.set(rule, nodes.set(node, reason));
  }

  /** Of nodes that still stand. */
  get left(): DeclinedNode[] {
    return [...this.#declined].flatMap(([rule, nodes]) =>
      [...nodes].flatMap(([node, reason]) => (node.graph ? [{ rule, node, reason }] : [])),
    );
  }
}

/** A pass of its own name in the log. */
export const pass = (name: string, change: (model: Model, log: PassLog) => number): Pass => ({
  name,
  run(model, log = new PassLog()) {
    const changes = change(model, log);
    log.changed(name, changes);
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
