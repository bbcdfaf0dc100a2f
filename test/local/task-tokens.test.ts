/** States that wait for a token, as the States language has them: answers, signs of life, silence. */
import { expect, it } from 'vitest';
import type { Resource } from '../../local/execution.ts';
import { interpret, type Outcome } from '../../local/interpreter.ts';
import { StatesError } from '../../local/states-error.ts';
import { type TaskTokens, taskTokens } from '../../local/task-tokens.ts';
import type { Json, StateMachine } from '../../shared/pipeline/machine/asl.ts';
import { virtualClock } from './virtual-clock.ts';

const machine = (fields: object = {}): StateMachine => ({
  QueryLanguage: 'JSONata',
  StartAt: 'A',
  States: {
    A: {
      Type: 'Task',
      Resource: 'do.waitForTaskToken',
      Arguments: { token: '{% $states.context.Task.Token %}' },
      Output: { got: '{% $states.result %}' },
      End: true,
      ...fields,
    } as never,
    Caught: { Type: 'Pass', Output: { caught: '{% $states.input.Error %}' }, End: true },
  },
});

interface Worker {
  readonly tokens: TaskTokens;
  readonly token: string;
  readonly wait: (seconds: number) => Promise<void>;
}

/** What works for the state starts when the state does, and goes on after the answer of the call. */
function run(fields: object, work: (worker: Worker) => void | Promise<void>): Promise<Outcome> {
  const tokens = taskTokens();
  const clock = virtualClock();
  const forever = new AbortController().signal;
  const start: Resource = (args) => {
    const { token } = args as { token: string };
    void work({ tokens, token, wait: (seconds) => clock.sleep(seconds * 1000, forever) });
    return Promise.resolve('started' satisfies Json);
  };
  return interpret(machine(fields), {}, { tokens, clock, resources: { 'do.waitForTaskToken': start } });
}

const thrown = (call: () => void): string => {
  try {
    call();
  } catch (error) {
    if (error instanceof StatesError) return error.name;
  }
  return 'nothing';
};

it('the result is what was sent, not what the call answered', async () => {
  const outcome = await run({}, async ({ tokens, token, wait }) => {
    await wait(3600);
    tokens.succeed(token, { Payload: 1 });
  });
  expect(outcome).toMatchObject({ status: 'SUCCEEDED', output: { got: { Payload: 1 } } });
  expect(outcome.stopMs - outcome.startMs).toBe(3_600_000);
});

it('a failure has the name and the cause that were sent, and a Catch meets the name', async () => {
  const fail = ({ tokens, token }: Worker): void => tokens.fail(token, 'UnsupportedOperator', 'why');
  expect(await run({}, fail)).toMatchObject({ status: 'FAILED', error: 'UnsupportedOperator', cause: 'why' });
  const caught = { Catch: [{ ErrorEquals: ['UnsupportedOperator'], Next: 'Caught' }] };
  expect(await run(caught, fail)).toMatchObject({ output: { caught: 'UnsupportedOperator' } });
});

it('silence ends it after HeartbeatSeconds from the last sign of life', async () => {
  const outcome = await run({ HeartbeatSeconds: 60, TimeoutSeconds: 9999 }, async ({ tokens, token, wait }) => {
    for (let i = 0; i < 3; i++) {
      await wait(50);
      tokens.heartbeat(token);
    }
  });
  expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.HeartbeatTimeout' });
  expect(outcome.stopMs - outcome.startMs).toBe(210_000);
});

it.each(['States.HeartbeatTimeout', 'States.Timeout', 'States.ALL'])('%s stands for silence', async (name) => {
  const fields = { HeartbeatSeconds: 60, Catch: [{ ErrorEquals: [name], Next: 'Caught' }] };
  expect(await run(fields, () => {})).toMatchObject({ output: { caught: 'States.HeartbeatTimeout' } });
});

it('no sign of life prolongs TimeoutSeconds', async () => {
  const outcome = await run({ HeartbeatSeconds: 60, TimeoutSeconds: 100 }, async ({ tokens, token, wait }) => {
    for (let i = 0; i < 2; i++) {
      await wait(40);
      tokens.heartbeat(token);
    }
  });
  expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
});

it('whoever works on for a state that has ended is told so, and an unknown token is none', async () => {
  let late = '';
  let twice = '';
  const silent = await run({ HeartbeatSeconds: 60 }, async ({ tokens, token, wait }) => {
    await wait(61);
    late = thrown(() => tokens.heartbeat(token));
  });
  expect(silent).toMatchObject({ error: 'States.HeartbeatTimeout' });
  await run({}, ({ tokens, token }) => {
    tokens.succeed(token, 1);
    twice = thrown(() => tokens.fail(token, 'Late', ''));
  });
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect([late, twice, thrown(() => taskTokens().heartbeat('x'))]).toEqual([
    'TaskTimedOut',
    'TaskTimedOut',
    'InvalidToken',
  ]);
});

it('each attempt has a token of its own', async () => {
  const seen: string[] = [];
  const Retry = [{ ErrorEquals: ['Not.Yet'], MaxAttempts: 1 }];
  const outcome = await run({ Retry }, ({ tokens, token }) => {
    seen.push(token);
    if (seen.length === 1) tokens.fail(token, 'Not.Yet', '');
    else tokens.succeed(token, 'done');
  });
  expect(outcome).toMatchObject({ output: { got: 'done' } });
  expect(new Set(seen).size).toBe(2);
});
