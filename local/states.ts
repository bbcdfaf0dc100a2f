/** What each type of state does. */
import type {
  ChoiceState,
  FailState,
  Json,
  ParallelState,
  PassState,
  State,
  SucceedState,
  TaskState,
  WaitState,
} from '../shared/pipeline/machine/asl.ts';
import { runInlineMap } from './inline-map.ts';
import { runDistributedMap } from './distributed-map.ts';
import { evaluate, innerFrame, numberField, type Visit } from './execution.ts';
import { allOrFirstFailure } from './pool.ts';
import { runMachine } from './run-machine.ts';
import { StatesError } from './states-error.ts';
import { leave, type Step } from './step.ts';

type Run<S extends State> = (state: S, visit: Visit) => Promise<Step>;

export const RUN: { readonly [Type in State['Type']]: Run<Extract<State, { Type: Type }>> } = {
  Task: runTask,
  Pass: (state: PassState, visit) => leave(visit, state),
  Succeed: (state: SucceedState, visit) => leave(visit, state),
  Wait: runWait,
  Choice: runChoice,
  Fail: runFail,
  Parallel: runParallel,
  Map: (state, visit) =>
    (state.ItemProcessor.ProcessorConfig?.Mode === 'DISTRIBUTED' ? runDistributedMap : runInlineMap)(state, visit),
};

async function runTask(state: TaskState, visit: Visit): Promise<Step> {
  const { environment } = visit.frame;
  const resource = environment.resources[state.Resource];
  if (!resource) throw new StatesError('States.Runtime', `nothing here answers for the resource ${state.Resource}`);
  const args = state.Arguments === undefined ? visit.input : await evaluate(visit, state.Arguments);
  const seconds =
    state.TimeoutSeconds === undefined || !environment.timeouts
      ? null
      : await numberField(visit, 'TimeoutSeconds', state.TimeoutSeconds);
  const result = await within(seconds, visit, (signal) => resource(args, { signal, state: visit.name }));
  return leave(visit, state, result);
}

async function within(
  seconds: number | null,
  visit: Visit,
  task: (signal: AbortSignal) => Promise<Json>,
): Promise<Json> {
  const over = new AbortController();
  const signal = AbortSignal.any([visit.frame.signal, over.signal]);
  const stopped = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
  stopped.catch(() => {});
  if (seconds !== null) {
    const late = new StatesError('States.Timeout', `"${visit.name}" ran longer than ${seconds} s`);
    visit.frame.environment.clock.sleep(seconds * 1000, signal).then(
      () => over.abort(late),
      () => {},
    );
  }
  try {
    return await Promise.race([task(signal), stopped]);
  } finally {
    over.abort(new Error('the task has ended'));
  }
}

async function runWait(state: WaitState, visit: Visit): Promise<Step> {
  const { clock } = visit.frame.environment;
  const until = state.Timestamp === undefined ? null : await evaluate(visit, state.Timestamp);
  if (until !== null && (typeof until !== 'string' || Number.isNaN(Date.parse(until)))) {
    throw new StatesError(
      'States.QueryEvaluationError',
      `${visit.name}: Timestamp is ${JSON.stringify(until)}, not a time such as 2030-01-31T23:59:59Z`,
    );
  }
  const ms =
    until === null
      ? 1000 * (await numberField(visit, 'Seconds', state.Seconds ?? 0))
      : Math.max(0, Date.parse(until) - clock.now());
  await clock.sleep(ms, visit.frame.signal);
  return leave(visit, state);
}

async function runChoice(state: ChoiceState, visit: Visit): Promise<Step> {
  for (const rule of state.Choices) {
    const holds = typeof rule.Condition === 'boolean' ? rule.Condition : await evaluate(visit, rule.Condition);
    if (typeof holds !== 'boolean') {
      throw new StatesError(
        'States.QueryEvaluationError',
        `${visit.name}: Condition '${rule.Condition}' is ${JSON.stringify(holds)}, not true or false`,
      );
    }
    if (holds) return leave(visit, rule);
  }
  if (state.Default === undefined)
    throw new StatesError('States.NoChoiceMatched', `no rule of "${visit.name}" holds and it has no Default`);
  const { Output, Assign, Default: Next } = state;
  return leave(visit, {
    Next,
    ...(Output === undefined ? {} : { Output }),
    ...(Assign === undefined ? {} : { Assign }),
  });
}

async function runFail(state: FailState, visit: Visit): Promise<Step> {
  const [error, cause] = await Promise.all([evaluate(visit, state.Error ?? ''), evaluate(visit, state.Cause ?? '')]);
  throw new StatesError(String(error), String(cause));
}

async function runParallel(state: ParallelState, visit: Visit): Promise<Step> {
  const input = state.Arguments === undefined ? visit.input : await evaluate(visit, state.Arguments);
  const runs = state.Branches.map(
    (branch, i) => (signal: AbortSignal) => runMachine(branch, input, innerFrame(visit.frame, { index: i, signal })),
  );
  return leave(visit, state, await allOrFirstFailure(runs, runs.length, visit.frame.signal));
}
