/** From state to state: enter, run, retry, catch, assign, leave. */
import type { Catcher, Json, Machine, Retrier, State } from '../shared/pipeline/machine/asl.ts';
import { evaluate, type Frame, type Visit } from './execution.ts';
import { RUN } from './states.ts';
import { matches, StatesError, statesError } from './states-error.ts';
import type { Step } from './step.ts';

const MAX_STATE_BYTES = 262_144;

/** A state and what it was entered with. */
export interface Position {
  readonly state: string;
  readonly input: Json;
}

/** Run to the end of a machine, a branch or an iteration and return its output; throws a StatesError when it fails. */
export const runMachine = (machine: Machine, input: Json, frame: Frame): Promise<Json> =>
  runFrom(machine, { state: machine.StartAt, input }, { frame, onPosition: () => {} });

/** The same from any state, telling of each before it is entered. */
export async function runFrom(
  machine: Machine,
  from: Position,
  { frame, onPosition }: { readonly frame: Frame; readonly onPosition: (position: Position) => void },
): Promise<Json> {
  let { state: name, input: value } = from;
  for (;;) {
    onPosition({ state: name, input: value });
    const state = machine.States[name]!;
    const step = await visitState(state, {
      frame,
      name,
      input: value,
      entered: frame.environment.clock.now(),
      retries: 0,
    });
    if (step.assign !== null) Object.assign(frame.variables, step.assign);
    if (step.next === null) return step.output;
    name = step.next;
    value = step.output;
  }
}

async function visitState(state: State, visit: Visit): Promise<Step> {
  const { frame, name } = visit;
  const at = { state: name, type: state.Type, path: frame.path };
  const { clock, onEvent } = frame.environment;
  frame.signal.throwIfAborted();
  onEvent({ ...at, kind: 'entered', at: visit.entered });
  const attempts = new Map<Retrier, number>();
  for (;;) {
    try {
      const step = await RUN[state.Type](state as never, visit);
      onEvent({ ...at, kind: 'exited', at: clock.now(), bytes: checkedSize(visit, step.output) });
      return step;
    } catch (thrown) {
      frame.signal.throwIfAborted();
      const error = statesError(thrown);
      const delayMs = retryDelay(state, error, { attempts, random: frame.environment.random });
      if (delayMs !== null) {
        visit.retries++;
        onEvent({ ...at, kind: 'retried', at: clock.now(), error: error.name, attempt: visit.retries, delayMs });
        await clock.sleep(delayMs, frame.signal);
        continue;
      }
      const step = await caught(state, visit, error);
      onEvent({ ...at, kind: step ? 'caught' : 'failed', at: clock.now(), error: error.name, cause: error.cause });
      if (!step) throw error;
      return step;
    }
  }
}

function checkedSize(visit: Visit, output: Json): number {
  const bytes = Buffer.byteLength(JSON.stringify(output));
  if (bytes > MAX_STATE_BYTES)
    throw new StatesError(
      'States.DataLimitExceeded',
      `the output of "${visit.name}" has ${bytes} bytes, the limit is ${MAX_STATE_BYTES}`,
    );
  return bytes;
}

/**
 * Milliseconds to wait before the next attempt; null when this error is not to be tried again. Each retrier counts its
 * own attempts.
 */
function retryDelay(
  state: State,
  error: StatesError,
  { attempts, random }: { attempts: Map<Retrier, number>; random: () => number },
): number | null {
  const retrier = 'Retry' in state ? state.Retry?.find((r) => matches(r.ErrorEquals, error)) : undefined;
  if (!retrier) return null;
  const made = attempts.get(retrier) ?? 0;
  if (made >= (retrier.MaxAttempts ?? 3)) return null;
  attempts.set(retrier, made + 1);
  const grown = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** made;
  const seconds = Math.min(grown, retrier.MaxDelaySeconds ?? Infinity);
  return 1000 * seconds * (retrier.JitterStrategy === 'FULL' ? random() : 1);
}

async function caught(state: State, visit: Visit, error: StatesError): Promise<Step | null> {
  const catcher: Catcher | undefined =
    'Catch' in state ? state.Catch?.find((c) => matches(c.ErrorEquals, error)) : undefined;
  if (!catcher) return null;
  const errorOutput = { Error: error.name, Cause: error.cause };
  const [output, assign] = await Promise.all([
    catcher.Output === undefined ? errorOutput : evaluate(visit, catcher.Output, { errorOutput }),
    catcher.Assign === undefined ? null : evaluate(visit, catcher.Assign, { errorOutput }),
  ]);
  return { output, assign, next: catcher.Next };
}
