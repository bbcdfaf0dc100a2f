/** Small machines with the outcome that the States language specification and the Step Functions guide give them. */
import { describe, expect, it } from 'vitest';
import type { Resource } from '../../local/execution.ts';
import { interpret, type Outcome } from '../../local/interpreter.ts';
import { StatesError } from '../../local/states-error.ts';
import type { Json, Machine, State, StateMachine } from '../../shared/pipeline/machine/asl.ts';
import { memoryFiles } from './memory-files.ts';
import { virtualClock } from './virtual-clock.ts';

const machine = (States: Record<string, State>): StateMachine => ({
  QueryLanguage: 'JSONata',
  StartAt: Object.keys(States)[0]!,
  States,
});
const inner = (States: Record<string, State>): Machine => ({ StartAt: Object.keys(States)[0]!, States });
const pass = (fields: Partial<Record<'Output' | 'Assign', Json>>, Next?: string): State =>
  ({ Type: 'Pass', ...fields, ...(Next ? { Next } : { End: true }) }) as State;

type Expected = { output: Json } | { error: string; cause?: RegExp };
type Case = readonly [
  name: string,
  machine: StateMachine,
  input: Json,
  expected: Expected,
  resources?: Record<string, Resource>,
];

const task = (fields: Record<string, unknown> = {}): State =>
  ({ Type: 'Task', Resource: 'do', End: true, ...fields }) as State;
const echo: Record<string, Resource> = { do: async (args) => args };
const failing = (...errors: string[]): Record<string, Resource> => {
  const left = [...errors];
  return {
    do: async () => {
      const error = left.shift();
      if (error) throw new StatesError(error, `${error} happened`);
      return 'done';
    },
  };
};

const CASES: readonly Case[] = [
  // Templates
  ['passes its input on when there is no Output', machine({ A: pass({}) }), { x: 1 }, { output: { x: 1 } }],
  [
    'evaluates expressions inside objects and arrays, and leaves other strings',
    machine({ A: pass({ Output: { a: '{% $states.input.x + 1 %}', b: ['{% $states.input.x %}', 'x {% 1 %}'] } }) }),
    { x: 1 },
    { output: { a: 2, b: [1, 'x {% 1 %}'] } },
  ],
  [
    'keeps arrays of one element',
    machine({ A: pass({ Output: '{% $states.input.list %}' }) }),
    { list: [{ a: 1 }] },
    { output: [{ a: 1 }] },
  ],
  ['keeps empty arrays', machine({ A: pass({ Output: '{% $states.input.list %}' }) }), { list: [] }, { output: [] }],
  [
    'fails on an expression that returns nothing',
    machine({ A: pass({ Output: '{% $states.input.missing %}' }) }),
    {},
    { error: 'States.QueryEvaluationError', cause: /returned nothing/ },
  ],
  [
    'fails on an expression that does not parse',
    machine({ A: pass({ Output: '{% 1 + %}' }) }),
    {},
    { error: 'States.QueryEvaluationError' },
  ],
  [
    'fails on an expression that fails',
    machine({ A: pass({ Output: '{% "a" + 1 %}' }) }),
    {},
    { error: 'States.QueryEvaluationError' },
  ],
  [
    'fails on an expression that returns a function',
    machine({ A: pass({ Output: '{% function($x) { $x } %}' }) }),
    {},
    { error: 'States.QueryEvaluationError' },
  ],
  [
    'knows names, times and ids of the context',
    machine({
      A: pass({
        Output: '{% $states.context.State.Name & $states.context.Execution.Name & $states.context.State.EnteredTime %}',
      }),
    }),
    {},
    { output: 'Arun2030-01-01T00:00:00.000Z' },
  ],
  [
    'has the execution input in every state',
    machine({ A: pass({ Output: 2 }, 'B'), B: pass({ Output: '{% $states.context.Execution.Input %}' }) }),
    1,
    { output: 1 },
  ],

  // Functions that AWS adds
  [
    '$partition',
    machine({ A: pass({ Output: '{% $partition([1,2,3,4,5], 2) %}' }) }),
    {},
    { output: [[1, 2], [3, 4], [5]] },
  ],
  ['$range', machine({ A: pass({ Output: '{% $range(1, 9, 2) %}' }) }), {}, { output: [1, 3, 5, 7, 9] }],
  ['$range downwards', machine({ A: pass({ Output: '{% $range(3, 1, -1) %}' }) }), {}, { output: [3, 2, 1] }],
  [
    '$hash',
    machine({ A: pass({ Output: '{% $hash("abc", "SHA-256") %}' }) }),
    {},
    { output: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  ],
  [
    '$hash MD5',
    machine({ A: pass({ Output: '{% $hash("abc", "MD5") %}' }) }),
    {},
    { output: '900150983cd24fb0d6963f7d28e17f72' },
  ],
  [
    '$hash of an unknown algorithm',
    machine({ A: pass({ Output: '{% $hash("abc", "CRC32") %}' }) }),
    {},
    { error: 'States.QueryEvaluationError' },
  ],
  ['$parse', machine({ A: pass({ Output: '{% $parse("{\\"a\\": [1]}").a %}' }) }), {}, { output: [1] }],
  [
    '$random with a seed gives the same number again',
    machine({ A: pass({ Output: '{% $random(7) = $random(7) and $random(7) < 1 and $random() >= 0 %}' }) }),
    {},
    { output: true },
  ],
  [
    '$uuid',
    machine({ A: pass({ Output: '{% $contains($uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/) %}' }) }),
    {},
    { output: true },
  ],
  [
    '$eval is refused',
    machine({ A: pass({ Output: '{% $eval("1") %}' }) }),
    {},
    { error: 'States.QueryEvaluationError' },
  ],

  // Variables
  [
    'sets variables that later states read',
    machine({ A: pass({ Assign: { v: '{% $states.input.x * 2 %}' } }, 'B'), B: pass({ Output: '{% $v %}' }) }),
    { x: 4 },
    { output: 8 },
  ],
  [
    'evaluates Assign and Output with the variables as they were',
    machine({
      A: pass({ Assign: { v: 1 } }, 'B'),
      B: pass({ Assign: { v: 2, w: '{% $v %}' }, Output: '{% $v %}' }, 'C'),
      C: pass({ Output: ['{% $states.input %}', '{% $v %}', '{% $w %}'] }),
    }),
    {},
    { output: [1, 2, 1] },
  ],
  [
    'fails on a variable that was never set',
    machine({ A: pass({ Output: '{% $v %}' }) }),
    {},
    { error: 'States.QueryEvaluationError' },
  ],

  // Choice
  [
    'takes the first rule that holds',
    machine({
      A: {
        Type: 'Choice',
        Choices: [
          { Condition: '{% $states.input > 5 %}', Next: 'B' },
          { Condition: '{% $states.input > 1 %}', Next: 'C' },
        ],
        Default: 'D',
      },
      B: pass({ Output: 'B' }),
      C: pass({ Output: 'C' }),
      D: pass({ Output: 'D' }),
    }),
    3,
    { output: 'C' },
  ],
  [
    'takes the default',
    machine({
      A: { Type: 'Choice', Choices: [{ Condition: false, Next: 'B' }], Default: 'D' },
      B: pass({ Output: 'B' }),
      D: pass({ Output: 'D' }),
    }),
    3,
    { output: 'D' },
  ],
  [
    'fails without a rule that holds',
    machine({ A: { Type: 'Choice', Choices: [{ Condition: '{% false %}', Next: 'A' }] } }),
    3,
    { error: 'States.NoChoiceMatched' },
  ],
  [
    'fails on a condition that is not true or false',
    machine({ A: { Type: 'Choice', Choices: [{ Condition: '{% "true" %}', Next: 'A' }] } }),
    3,
    { error: 'States.QueryEvaluationError' },
  ],
  [
    'uses Output and Assign of the rule, not of the state',
    machine({
      A: {
        Type: 'Choice',
        Choices: [{ Condition: true, Next: 'B', Output: 'rule', Assign: { v: 1 } }],
        Default: 'B',
        Output: 'state',
        Assign: { v: 2 },
      },
      B: pass({ Output: ['{% $states.input %}', '{% $v %}'] }),
    }),
    0,
    { output: ['rule', 1] },
  ],
  [
    'uses Output and Assign of the state for the default',
    machine({
      A: {
        Type: 'Choice',
        Choices: [{ Condition: false, Next: 'B', Output: 'rule', Assign: { v: 1 } }],
        Default: 'B',
        Output: 'state',
        Assign: { v: 2 },
      },
      B: pass({ Output: ['{% $states.input %}', '{% $v %}'] }),
    }),
    0,
    { output: ['state', 2] },
  ],

  // Task
  [
    'gives a task its Arguments and returns the result',
    machine({ A: task({ Arguments: { n: '{% $states.input %}' } }) }),
    3,
    { output: { n: 3 } },
    echo,
  ],
  ['gives a task its input when there are no Arguments', machine({ A: task() }), 3, { output: 3 }, echo],
  [
    'has the result in Output and Assign',
    machine({
      A: task({
        End: undefined,
        Next: 'B',
        Output: '{% $states.result.n + $states.input %}',
        Arguments: { n: 1 },
        Assign: { v: '{% $states.result.n %}' },
      }),
      B: pass({ Output: ['{% $states.input %}', '{% $v %}'] }),
    }),
    3,
    { output: [4, 1] },
    echo,
  ],
  [
    'fails with the name of what the task threw',
    machine({ A: task() }),
    {},
    { error: 'UnsupportedOperator', cause: /UnsupportedOperator happened/ },
    failing('UnsupportedOperator'),
  ],
  [
    'fails on a resource nobody answers for',
    machine({ A: task({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }] }), B: pass({}) }),
    {},
    { error: 'States.Runtime' },
  ],
  [
    'times out',
    machine({ A: task({ TimeoutSeconds: 10 }) }),
    {},
    { error: 'States.Timeout' },
    { do: () => new Promise(() => {}) },
  ],
  [
    'evaluates TimeoutSeconds',
    machine({ A: task({ TimeoutSeconds: '{% $states.input %}' }) }),
    5,
    { error: 'States.Timeout', cause: /5 s/ },
    { do: () => new Promise(() => {}) },
  ],

  // Catch
  [
    'catches an error by name, with errorOutput',
    machine({
      A: task({
        Catch: [
          { ErrorEquals: ['Other'], Next: 'B' },
          { ErrorEquals: ['Oops'], Next: 'C' },
        ],
      }),
      B: pass({ Output: 'B' }),
      C: pass({}),
    }),
    {},
    { output: { Error: 'Oops', Cause: 'Oops happened' } },
    failing('Oops'),
  ],
  [
    'evaluates Assign and Output of a Catch',
    machine({
      A: task({
        Catch: [
          {
            ErrorEquals: ['States.ALL'],
            Assign: { e: '{% $states.errorOutput.Error %}' },
            Output: { in: '{% $states.input %}' },
            Next: 'C',
          },
        ],
      }),
      C: pass({ Output: ['{% $states.input %}', '{% $e %}'] }),
    }),
    1,
    { output: [{ in: 1 }, 'Oops'] },
    failing('Oops'),
  ],
  [
    'States.TaskFailed stands for what a task throws',
    machine({ A: task({ Catch: [{ ErrorEquals: ['States.TaskFailed'], Next: 'C' }] }), C: pass({ Output: 'caught' }) }),
    {},
    { output: 'caught' },
    failing('Oops'),
  ],
  [
    'States.TaskFailed does not stand for a timeout',
    machine({
      A: task({ TimeoutSeconds: 1, Catch: [{ ErrorEquals: ['States.TaskFailed'], Next: 'C' }] }),
      C: pass({ Output: 'caught' }),
    }),
    {},
    { error: 'States.Timeout' },
    { do: () => new Promise(() => {}) },
  ],
  [
    'States.ALL stands for a query evaluation error',
    machine({
      A: task({ Arguments: '{% $none %}', Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }] }),
      C: pass({ Output: '{% $states.input.Error %}' }),
    }),
    {},
    { output: 'States.QueryEvaluationError' },
    echo,
  ],
  [
    'nothing catches an output above the limit',
    machine({ A: task({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }] }), C: pass({}) }),
    {},
    { error: 'States.DataLimitExceeded' },
    { do: async () => 'x'.repeat(262_144) },
  ],
  [
    'an output at the limit is fine',
    machine({ A: task({ End: undefined, Next: 'C' }), C: pass({ Output: '{% $length($states.input) %}' }) }),
    {},
    { output: 262_142 },
    { do: async () => 'x'.repeat(262_142) },
  ],

  // Fail and Succeed
  [
    'fails with evaluated Error and Cause',
    machine({ A: { Type: 'Fail', Error: '{% $states.input.e %}', Cause: 'because' } }),
    { e: 'Mine' },
    { error: 'Mine', cause: /^because$/ },
  ],
  [
    'succeeds with an output',
    machine({ A: { Type: 'Succeed', Output: { n: '{% $states.input %}' } } }),
    1,
    { output: { n: 1 } },
  ],

  // Parallel
  [
    'runs branches and returns their outputs in order',
    machine({
      A: {
        Type: 'Parallel',
        Branches: [
          inner({ S: { Type: 'Wait', Seconds: 5, Output: 1, End: true } }),
          inner({ T: pass({ Output: '{% $states.input.x %}' }) }),
        ],
        Arguments: { x: 7 },
        End: true,
      },
    }),
    {},
    { output: [1, 7] },
  ],
  [
    'a failing branch fails the state with its error',
    machine({
      A: {
        Type: 'Parallel',
        Branches: [
          inner({ S: { Type: 'Wait', Seconds: 5, End: true } }),
          inner({ T: { Type: 'Fail', Error: 'Mine' } }),
        ],
        Catch: [{ ErrorEquals: ['Mine'], Next: 'C' }],
        End: true,
      },
      C: pass({ Output: 'caught' }),
    }),
    {},
    { output: 'caught' },
  ],
  [
    'variables of a branch stay in it',
    machine({
      Z: pass({ Assign: { v: 1 } }, 'A'),
      A: {
        Type: 'Parallel',
        Branches: [inner({ S: pass({ Assign: { v: 2 } }, 'S2'), S2: pass({ Output: '{% $v %}' }) })],
        Next: 'C',
      },
      C: pass({ Output: ['{% $states.input %}', '{% $v %}'] }),
    }),
    {},
    { output: [[2], 1] },
  ],

  // Inline Map
  [
    'maps items with a selector',
    machine({
      A: {
        Type: 'Map',
        Items: '{% $states.input.list %}',
        ItemSelector: {
          v: '{% $states.context.Map.Item.Value %}',
          i: '{% $states.context.Map.Item.Index %}',
          k: '{% $states.input.k %}',
        },
        ItemProcessor: inner({ B: pass({}) }),
        End: true,
      },
    }),
    { list: ['a', 'b'], k: 9 },
    {
      output: [
        { v: 'a', i: 0, k: 9 },
        { v: 'b', i: 1, k: 9 },
      ],
    },
  ],
  [
    'maps its input when there are no Items',
    machine({
      A: { Type: 'Map', ItemProcessor: inner({ B: pass({ Output: '{% $states.input * 2 %}' }) }), End: true },
    }),
    [1, 2, 3],
    { output: [2, 4, 6] },
  ],
  [
    'maps nothing',
    machine({ A: { Type: 'Map', ItemProcessor: inner({ B: pass({}) }), End: true } }),
    [],
    { output: [] },
  ],
  [
    'fails on items that are no array',
    machine({ A: { Type: 'Map', Items: '{% $states.input %}', ItemProcessor: inner({ B: pass({}) }), End: true } }),
    'abc',
    { error: 'States.QueryEvaluationError' },
  ],
  [
    'a failing iteration fails the state',
    machine({
      A: {
        Type: 'Map',
        ItemProcessor: inner({
          B: { Type: 'Choice', Choices: [{ Condition: '{% $states.input = 2 %}', Next: 'X' }], Default: 'C' },
          C: pass({}),
          X: { Type: 'Fail', Error: 'Two' },
        }),
        End: true,
      },
    }),
    [1, 2, 3],
    { error: 'Two' },
  ],
  [
    'a Catch inside keeps the other iterations',
    machine({
      A: {
        Type: 'Map',
        ItemProcessor: inner({
          B: task({ Catch: [{ ErrorEquals: ['States.ALL'], Output: 'failed', Next: 'C' }] }),
          C: pass({}),
        }),
        End: true,
      },
    }),
    [1, 2, 3],
    { output: [1, 'failed', 3] },
    { do: async (n) => (n === 2 ? Promise.reject(new Error('two')) : n) },
  ],
];

const run = (definition: StateMachine, input: Json, resources: Record<string, Resource> = {}): Promise<Outcome> =>
  interpret(definition, input, {
    resources,
    clock: virtualClock(),
    random: () => 0.5,
    files: memoryFiles(),
    name: 'run',
  });

describe('machines', () => {
  for (const [name, definition, input, expected, resources] of CASES) {
    it(name, async () => {
      const outcome = await run(definition, input, resources);
      if ('output' in expected) expect(outcome).toMatchObject({ status: 'SUCCEEDED', output: expected.output });
      else {
        expect(outcome).toMatchObject({ status: 'FAILED', error: expected.error });
        if (expected.cause) expect((outcome as { cause: string }).cause).toMatch(expected.cause);
      }
    });
  }
});

describe('retries', () => {
  const retry = (fields: Record<string, unknown>): StateMachine =>
    machine({ A: task({ Retry: [{ ErrorEquals: ['Busy'], ...fields }] }) });
  const delays = (outcome: Outcome): number[] =>
    outcome.history.flatMap((event) => (event.kind === 'retried' ? [event.delayMs] : []));
  it.each<[string, Record<string, unknown>, number, number[], 'done' | 'Busy']>([
    ['three times by default, after 1, 2 and 4 seconds', {}, 9, [1000, 2000, 4000], 'Busy'],
    ['until it works', {}, 2, [1000, 2000], 'done'],
    ['never with MaxAttempts 0', { MaxAttempts: 0 }, 1, [], 'Busy'],
    ['with interval and rate', { IntervalSeconds: 3, BackoffRate: 1.5, MaxAttempts: 3 }, 3, [3000, 4500, 6750], 'done'],
    ['no longer than MaxDelaySeconds', { MaxDelaySeconds: 3, MaxAttempts: 4 }, 4, [1000, 2000, 3000, 3000], 'done'],
    ['somewhere up to the delay with FULL jitter', { JitterStrategy: 'FULL', MaxAttempts: 2 }, 2, [500, 1000], 'done'],
  ])('%s', async (_name, fields, failures, expected, end) => {
    const outcome = await run(retry(fields), {}, failing(...new Array<string>(failures).fill('Busy')));
    expect(delays(outcome)).toEqual(expected);
    expect(outcome).toMatchObject(end === 'done' ? { output: 'done' } : { error: 'Busy' });
  });

  it('counts the attempts of each retrier by itself', async () => {
    const definition = machine({
      A: task({
        Retry: [
          { ErrorEquals: ['Busy'], MaxAttempts: 1 },
          { ErrorEquals: ['Gone'], MaxAttempts: 1 },
        ],
      }),
    });
    expect(await run(definition, {}, failing('Busy', 'Gone'))).toMatchObject({ output: 'done' });
    expect(await run(definition, {}, failing('Busy', 'Gone', 'Busy'))).toMatchObject({ error: 'Busy' });
  });

  it('does not try again what no retrier names, and catches after the last attempt', async () => {
    const outcome = await run(retry({}), {}, failing('Typed'));
    expect(delays(outcome)).toEqual([]);
    const caught = machine({
      A: task({
        Retry: [{ ErrorEquals: ['States.ALL'], MaxAttempts: 1 }],
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }],
      }),
      B: pass({ Output: '{% $states.input.Error %}' }),
    });
    expect(await run(caught, {}, failing('Busy', 'Gone'))).toMatchObject({ output: 'Gone' });
  });

  it('tells a state how often it was tried', async () => {
    const definition = machine({
      A: task({ Arguments: '{% $states.context.State.RetryCount %}', Retry: [{ ErrorEquals: ['States.ALL'] }] }),
    });
    const resource: Resource = async (count) => (count === 2 ? count : Promise.reject(new Error('again')));
    expect(await run(definition, {}, { do: resource })).toMatchObject({ output: 2 });
  });
});

describe('time', () => {
  it.each<[string, Record<string, unknown>, Json, number]>([
    ['a number of seconds', { Seconds: 90 }, {}, 90_000],
    ['an expression of seconds', { Seconds: '{% $states.input.s %}' }, { s: 2 }, 2000],
    ['until a timestamp', { Timestamp: '2030-01-01T01:00:00Z' }, {}, 3_600_000],
    ['not at all for a timestamp that has passed', { Timestamp: '2020-01-01T00:00:00Z' }, {}, 0],
  ])('waits %s', async (_name, fields, input, expected) => {
    const outcome = await run(machine({ A: { Type: 'Wait', ...fields, End: true } as State }), input);
    expect(outcome.status).toBe('SUCCEEDED');
    expect(outcome.stopMs - outcome.startMs).toBe(expected);
  });

  it('records when states were entered and left', async () => {
    const outcome = await run(machine({ A: { Type: 'Wait', Seconds: 3, Next: 'B' }, B: pass({}) }), {});
    expect(outcome.history.map((e) => [e.state, e.kind, e.at - outcome.startMs])).toEqual([
      ['A', 'entered', 0],
      ['A', 'exited', 3000],
      ['B', 'entered', 3000],
      ['B', 'exited', 3000],
    ]);
  });

  it('ends an execution that takes too long', async () => {
    const outcome = await run({ ...machine({ A: { Type: 'Wait', Seconds: 100, End: true } }), TimeoutSeconds: 10 }, {});
    expect(outcome).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout' });
  });

  it('limits how many iterations run at a time', async () => {
    let running = 0;
    let most = 0;
    const clock = virtualClock();
    const resource: Resource = async (_args, { signal }) => {
      most = Math.max(most, ++running);
      await clock.sleep(10, signal);
      running--;
      return 1;
    };
    const definition = machine({
      A: {
        Type: 'Map',
        MaxConcurrency: '{% $states.input.n %}',
        Items: '{% $range(1, 10, 1) %}',
        ItemProcessor: inner({ B: task() }),
        End: true,
      },
    });
    const outcome = await interpret(definition, { n: 3 }, { resources: { do: resource }, clock });
    expect(outcome.status).toBe('SUCCEEDED');
    expect(most).toBe(3);
  });
});

describe('abort', () => {
  it('stops a running task and catches nothing', async () => {
    const stop = new AbortController();
    let stopped = false;
    const resource: Resource = (_args, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          stopped = true;
          reject(signal.reason as Error);
        });
        stop.abort(new Error('interrupted'));
      });
    const definition = machine({ A: task({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }] }), B: pass({}) });
    const outcome = await interpret(definition, {}, { resources: { do: resource }, signal: stop.signal });
    expect(outcome.status).toBe('ABORTED');
    expect(stopped).toBe(true);
    expect(outcome.history.map((e) => e.state)).toEqual(['A']);
  });
});

describe('machines that cannot be run here are refused before they start', () => {
  it.each<[string, unknown, RegExp]>([
    ['JSONPath', { StartAt: 'A', States: { A: { Type: 'Pass', End: true } } }, /JSONata/],
    ['a field that is not known', machine({ A: task({ Credentials: {} }) }), /Credentials/],
    ['a transition to nowhere', machine({ A: pass({}, 'Nowhere') }), /Nowhere/],
    ['an unknown type', { ...machine({}), StartAt: 'A', States: { A: { Type: 'Dance' } } }, /Dance/],
    ['a start nowhere', { ...machine({ A: pass({}) }), StartAt: 'Z' }, /"Z"/],
  ])('%s', async (_name, definition, message) => {
    await expect(interpret(definition as StateMachine, {})).rejects.toThrow(message);
  });
});
