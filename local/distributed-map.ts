/**
 * Distributed Map: every item an execution of its own, items from a file or a bucket, failures tolerated up to a share,
 * results written out.
 */
import { randomUUID } from 'node:crypto';
import { type Json, type MapState, MOST_ITEMS_AT_A_TIME } from '../shared/pipeline/machine/asl.ts';
import { evaluate, type Frame, numberField, stringField, timestamp, type Visit } from './execution.ts';
import { itemContext, itemsOf } from './inline-map.ts';
import { batchItems, readItems } from './item-reader.ts';
import { lanes } from './pool.ts';
import { type ChildExecution, writeResults } from './result-writer.ts';
import { runMachine } from './run-machine.ts';
import { StatesError, statesError } from './states-error.ts';
import { leave, type Step } from './step.ts';

export async function runDistributedMap(state: MapState, visit: Visit): Promise<Step> {
  const tolerance = await toleranceOf(state, visit);
  const inputs = await inputsOf(state, visit);
  const limit =
    state.MaxConcurrency === undefined ? 0 : await numberField(visit, 'MaxConcurrency', state.MaxConcurrency);
  const mapRun = randomUUID();
  const children = await runChildren(state, visit, {
    mapRun,
    inputs,
    limit: Math.min(limit || MOST_ITEMS_AT_A_TIME, MOST_ITEMS_AT_A_TIME),
    tolerance,
  });
  const result = await resultOf(state, visit, { mapRun, children });
  if (tolerance(children.filter((child) => child.Status === 'FAILED').length, children.length))
    return leave(visit, state, result);
  throw new StatesError(
    'States.ExceedToleratedFailureThreshold',
    'The specified tolerated failure threshold was exceeded',
  );
}

type Tolerance = (failed: number, total: number) => boolean;

/** Without a number nothing is tolerated; with both, each of them must hold. */
async function toleranceOf(state: MapState, visit: Visit): Promise<Tolerance> {
  const { ToleratedFailurePercentage: share, ToleratedFailureCount: count } = state;
  const percent = share === undefined ? null : await numberField(visit, 'ToleratedFailurePercentage', share);
  const most = count === undefined ? null : await numberField(visit, 'ToleratedFailureCount', count);
  if (percent === null && most === null) return (failed) => failed === 0;
  return (failed, total) => (percent === null || 100 * failed <= percent * total) && (most === null || failed <= most);
}

async function inputsOf(state: MapState, visit: Visit): Promise<readonly Json[]> {
  const read = state.ItemReader ? await readItems(state.ItemReader, visit) : visit.input;
  const items = await itemsOf(visit, state.Items === undefined ? read : await evaluate(visit, state.Items));
  const { ItemSelector: selector, ItemBatcher: batcher } = state;
  const selected =
    selector === undefined
      ? items
      : await Promise.all(
          items.map((value, index) => evaluate(visit, selector, { context: itemContext(visit, index, value) })),
        );
  return batcher ? batchItems(batcher, selected, visit) : selected;
}

interface MapRun {
  readonly mapRun: string;
  readonly inputs: readonly Json[];
  readonly limit: number;
  readonly tolerance: Tolerance;
}

async function runChildren(
  state: MapState,
  visit: Visit,
  { mapRun, inputs, limit, tolerance }: MapRun,
): Promise<ChildExecution[]> {
  const { frame } = visit;
  const { clock } = frame.environment;
  const stop = new AbortController();
  const signal = AbortSignal.any([frame.signal, stop.signal]);
  const children: ChildExecution[] = inputs.map((input) => ({ Status: 'PENDING', Input: input, Name: randomUUID() }));
  let failed = 0;
  await lanes(children.entries(), Math.min(limit, children.length), async ([index, child]) => {
    if (signal.aborted) return;
    const start = clock.now();
    const end = (ending: Partial<ChildExecution>): void => {
      children[index] = { ...child, StartDate: timestamp(start), StopDate: timestamp(clock.now()), ...ending };
    };
    try {
      end({
        Status: 'SUCCEEDED',
        Output: await runMachine(
          state.ItemProcessor,
          child.Input,
          childFrame(frame, { index, mapRun, child, start, signal }),
        ),
      });
    } catch (thrown) {
      frame.signal.throwIfAborted();
      if (signal.aborted) return end({ Status: 'ABORTED' });
      const { name, cause } = statesError(thrown);
      end({ Status: 'FAILED', Error: name, Cause: cause });
      if (!tolerance(++failed, children.length)) stop.abort(new Error('too many items failed'));
    }
  });
  frame.signal.throwIfAborted();
  return children;
}

interface ChildStart {
  readonly index: number;
  readonly mapRun: string;
  readonly child: ChildExecution;
  readonly start: number;
  readonly signal: AbortSignal;
}

/** A child execution sees none of its parent's variables and has an id, a name and an input of its own. */
function childFrame(frame: Frame, { index, mapRun, child, start, signal }: ChildStart): Frame {
  const { StateMachine } = frame.context;
  const Id = `arn:aws:states:local:000000000000:execution:${StateMachine.Name}/${mapRun}:${child.Name}`;
  return {
    ...frame,
    environment: { ...frame.environment, onEvent: frame.environment.onChildEvent },
    signal,
    path: [...frame.path, index],
    variables: {},
    context: {
      StateMachine,
      Execution: { Id, Name: child.Name, StartTime: timestamp(start), Input: child.Input, RedriveCount: 0 },
    },
  };
}

async function resultOf(
  state: MapState,
  visit: Visit,
  { mapRun, children }: { mapRun: string; children: readonly ChildExecution[] },
): Promise<Json> {
  const writer = state.ResultWriter;
  if (!writer?.Resource) {
    // What Step Functions puts in the place of a tolerated failure is not documented.
    if (
      children.some((child) => child.Status !== 'SUCCEEDED') &&
      (state.ToleratedFailurePercentage !== undefined || state.ToleratedFailureCount !== undefined)
    ) {
      throw new StatesError(
        'States.Runtime',
        `"${visit.name}" tolerates failures but has no ResultWriter, which cannot be run here`,
      );
    }
    return children.map((child) => child.Output ?? null);
  }
  const args = await evaluate(visit, writer.Arguments ?? {});
  const [bucket, prefix] = [stringField(visit, args, 'Bucket'), stringField(visit, args, 'Prefix')];
  return writeResults(visit, writer, { bucket, prefix, mapRun, children });
}
