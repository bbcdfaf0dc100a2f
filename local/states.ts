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
import type { Waiting } from './task-tokens.ts';

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
  const waiting = state.Resource.endsWith('.waitForTaskToken') ? environment.tokens.issue() : null;
  try {
    const context = { ...visit.frame.context, ...(waiting ? { Task: { Token: waiting.token } } : {}) };
    const args = state.Arguments === undefined ? visit.input : await evaluate(visit, state.Arguments, { context });
    const limits: Limits = {
      seconds: await secondsOf(visit, 'TimeoutSeconds', state),
      silence: waiting && (await secondsOf(visit, 'HeartbeatSeconds', state)),
      waiting,
    };
    const result = await within(limits, visit, async (signal) => {
      const answer = await resource(args, { signal, state: visit.name });
      return waiting ? waiting.result : answer;
    });
    return leave(visit, state, result);
  } finally {
    waiting?.close();
  }
}

async function secondsOf(
  visit: Visit,
  field: 'TimeoutSeconds' | 'HeartbeatSeconds',
  state: TaskState,
): Promise<number | null> {
  const value = state[field];
  return value === undefined || !visit.frame.environment.timeouts ? null : numberField(visit, field, value);
}

interface Limits {
  /** Of the whole task. */
  readonly seconds: number | null;
  /** Between two signs of life. */
  readonly silence: number | null;
  readonly waiting: Waiting | null;
}

async function within(
  { seconds, silence, waiting }: Limits,
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
  if (waiting && silence !== null) {
    const silent = new StatesError('States.HeartbeatTimeout', `"${visit.name}" was not heard of for ${silence} s`);
    listen(visit, waiting, { ms: silence * 1000, signal }).then(
      () => over.abort(silent),
      () => {},
    );
  }
  try {
    return await Promise.race([task(signal), stopped]);
  } finally {
    over.abort(new Error('the task has ended'));
  }
}

/** Returns when nothing was heard for so long. */
async function listen(
  { frame }: Visit,
  waiting: Waiting,
  { ms, signal }: { readonly ms: number; readonly signal: AbortSignal },
): Promise<void> {
  const { clock } = frame.environment;
  let heard = clock.now();
  waiting.onHeartbeat = () => (heard = clock.now());
  for (let left = ms; left > 0; left = heard + ms - clock.now()) await clock.sleep(left, signal);
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
