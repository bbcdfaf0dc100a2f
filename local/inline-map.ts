/** Map inside the execution: iterations share its history and fail it together. */
import type { Json, MapState } from '../shared/pipeline/machine/asl.ts';
import { evaluate, type ExecutionContext, innerFrame, numberField, type Visit } from './execution.ts';
import { allOrFirstFailure } from './pool.ts';
import { runMachine } from './run-machine.ts';
import { StatesError } from './states-error.ts';
import { leave, type Step } from './step.ts';

// Step Functions runs at most this many iterations of an inline Map at a time, whatever MaxConcurrency says.
const MOST_AT_A_TIME = 40;

export async function runInlineMap(state: MapState, visit: Visit): Promise<Step> {
  const items = await itemsOf(visit, state.Items === undefined ? visit.input : await evaluate(visit, state.Items));
  const wanted =
    state.MaxConcurrency === undefined ? 0 : await numberField(visit, 'MaxConcurrency', state.MaxConcurrency);
  const limit = Math.min(wanted || MOST_AT_A_TIME, MOST_AT_A_TIME);
  const runs = items.map((value, index) => async (signal: AbortSignal) => {
    const context = itemContext(visit, index, value);
    const input = state.ItemSelector === undefined ? value : await evaluate(visit, state.ItemSelector, { context });
    return runMachine(state.ItemProcessor, input, innerFrame(visit.frame, { index, signal, context }));
  });
  return leave(visit, state, await allOrFirstFailure(runs, limit, visit.frame.signal));
}

export const itemContext = (visit: Visit, Index: number, Value: Json): ExecutionContext => ({
  ...visit.frame.context,
  Map: { Item: { Index, Value } },
});

/** Items are an array, or an object whose fields become { Key, Value }. */
export async function itemsOf(visit: Visit, value: Json): Promise<readonly Json[]> {
  if (Array.isArray(value)) return value as readonly Json[];
  if (value !== null && typeof value === 'object')
    return Object.entries(value).map(([Key, Value]) => ({ Key, Value: Value as Json }));
  throw new StatesError(
    'States.QueryEvaluationError',
    `${visit.name}: Items is ${JSON.stringify(value)}, not an array or object`,
  );
}
