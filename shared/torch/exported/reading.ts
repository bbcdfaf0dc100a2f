/** What stays the same while one program is read: its symbols, and how deep graphs may nest. */
import type { Dim } from '../../tensor/dim.ts';
import type { Json } from '../json.ts';
import { parseDim } from '../expression.ts';

/** Named limits of a graph, far above any real one. */
export const GRAPH_LIMITS = { nesting: 32, nodes: 200_000 } as const;

export class Reading {
  readonly hints: Map<string, number>;
  readonly #dims: Map<string, Dim>;
  readonly #depth: number;

  constructor(parent: Reading | null = null) {
    this.hints = parent ? parent.hints : new Map<string, number>();
    this.#dims = parent ? parent.#dims : new Map<string, Dim>();
    this.#depth = parent ? parent.#depth + 1 : 0;
  }

  /** For a graph inside an argument. */
  deeper(json: Json): Reading {
    if (this.#depth >= GRAPH_LIMITS.nesting) json.fail(`graphs are nested more than ${GRAPH_LIMITS.nesting} deep`);
    return new Reading(this);
  }

  /** The same expression stands for many values: it is parsed once. */
  dim(json: Json): Dim {
    const text = json.string();
    const known = this.#dims.get(text);
    if (known !== undefined) return known;
    const dim = parseDim(text, (reason) => json.fail(reason));
    this.#dims.set(text, dim);
    return dim;
  }
}
