/** What a state makes of its input, and how it is left. */
import type { Json, Template } from '../shared/pipeline/machine/asl.ts';
import { evaluate, type Visit } from './execution.ts';

export interface Step {
  readonly output: Json;
  readonly assign: Json | null;
  readonly next: string | null;
}

interface Leaving {
  readonly Output?: Template;
  readonly Assign?: Template;
  readonly Next?: string;
}

/** Output and Assign see the variables as they were when the state was entered. */
export async function leave(visit: Visit, state: Leaving, result?: Json): Promise<Step> {
  const more = result === undefined ? {} : { result };
  const [output, assign] = await Promise.all([
    state.Output === undefined ? (result ?? visit.input) : evaluate(visit, state.Output, more),
    state.Assign === undefined ? null : evaluate(visit, state.Assign, more),
  ]);
  return { output, assign, next: state.Next ?? null };
}
