/**
 * The deployed machines are valid: two validators and every expression compiled; and what they retry is what the table
 * says.
 */
import jsonata from 'jsonata';
import { getLanguageService, TextDocument } from 'amazon-states-language-service';
import { describe, expect, it } from 'vitest';
import aslValidator from 'asl-validator';
import {
  expressionSource,
  isExpression,
  type Machine,
  type State,
  type StateMachine,
} from '../../shared/pipeline/machine/asl.ts';
import { batchStateMachine } from '../../shared/pipeline/machine/batch-machine.ts';
import { HEARTBEAT_SECONDS } from '../../shared/pipeline/machine/fargate-container.ts';
import {
  FARGATE_STAGES,
  type FargateNames,
  fargateSizesOf,
  RUN_TASK,
} from '../../shared/pipeline/machine/fargate-task.ts';
import { ferryStateMachine } from '../../shared/pipeline/machine/state-machine.ts';
import { STAGES } from '../../shared/pipeline/machine/stages.ts';

const FARGATE: FargateNames = {
  cluster: '${FargateCluster}',
  definitions: Object.fromEntries(
    FARGATE_STAGES.map((stage) => [
      stage,
      Object.fromEntries(fargateSizesOf(stage).map((size) => [size, `\${${stage}-${size}}`])),
    ]),
  ),
  subnets: ['${FargateSubnet0}', '${FargateSubnet1}'],
  securityGroups: ['${FargateSecurityGroup}'],
  hasPublicIp: true,
};

const MACHINES: Record<string, StateMachine> = {
  ferry: ferryStateMachine(),
  'ferry of two sizes': ferryStateMachine({
    largeFunctions: { quantize: '${QuantizeLargeFunction}', validate: '${ValidateLargeFunction}' },
  }),
  'ferry with tasks': ferryStateMachine({ fargate: FARGATE }),
  batch: batchStateMachine(),
};

function* strings(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (value && typeof value === 'object') for (const inner of Object.values(value)) yield* strings(inner);
}

function* statesOf(machine: Machine): Generator<[string, State]> {
  for (const [name, state] of Object.entries(machine.States)) {
    yield [name, state];
    if (state.Type === 'Map') yield* statesOf(state.ItemProcessor);
    if (state.Type === 'Parallel') for (const branch of state.Branches) yield* statesOf(branch);
  }
}

async function diagnose(machine: unknown): Promise<string[]> {
  const service = getLanguageService({ workspaceContext: { resolveRelativePath: (p: string) => p } });
  const document = TextDocument.create('machine.asl.json', 'asl', 1, JSON.stringify(machine, null, 2));
  const found = await service.doValidation(document, service.parseJSONDocument(document));
  return found.map((d) => String(d.message));
}

describe.each(Object.entries(MACHINES))('%s machine', (_name, machine) => {
  it('is valid for asl-validator', () => {
    expect(aslValidator(machine).errors).toEqual([]);
  });

  it('is valid for the AWS language service', async () => {
    expect(await diagnose(machine)).toEqual([]);
  });

  it('has only expressions that compile', () => {
    const expressions = [...strings(machine)].filter(isExpression);
    expect(expressions.length).toBeGreaterThan(10);
    for (const text of expressions) expect(() => jsonata(expressionSource(text)), text).not.toThrow();
  });

  it('retries what may pass by itself only: never another typed failure, a timeout or everything', () => {
    for (const [name, state] of statesOf(machine)) {
      if (!('Retry' in state) || !state.Retry) continue;
      for (const retrier of state.Retry) {
        for (const error of retrier.ErrorEquals)
          expect(error, name).toMatch(
            /^((Lambda|EventBridge|StepFunctions|ECS)\.(\w+Exception|FailedEntry)|AmazonECS\.Unknown|StorageUnavailable|ScanPending)$/,
          );
        expect(retrier.JitterStrategy, name).toBe('FULL');
        expect(retrier.MaxDelaySeconds, name).toBeGreaterThan(0);
      }
    }
  });

  it('gives every stage longer than its function has, and catches what it throws', () => {
    const timeouts = new Map(Object.values(STAGES).map((stage) => [`\${${stage.functionName}}`, stage.timeoutSeconds]));
    const tasks = [...statesOf(machine)].flatMap(([name, state]) =>
      state.Type === 'Task' && state.Resource.endsWith('lambda:invoke') ? [{ name, state }] : [],
    );
    expect(tasks.length).toBeGreaterThan(0);
    for (const { name, state } of tasks) {
      const { FunctionName } = state.Arguments as { FunctionName: string };
      // Of two sizes the standard one is named last.
      const [standard] = /\$\{\w+\}(?=[^$]*$)/.exec(FunctionName)!;
      expect(state.TimeoutSeconds, name).toBeGreaterThan(timeouts.get(standard)!);
      // What ends an execution is its last state, which a redrive enters again.
      expect(state.Catch?.at(-1)?.ErrorEquals, name).toEqual(name === 'Release' ? undefined : ['States.ALL']);
    }
  });

  it('names every state once in the whole machine', () => {
    const names = [...statesOf(machine)].map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('a machine with tasks', () => {
  const machine = MACHINES['ferry with tasks']!;
  const states = new Map(statesOf(machine));
  const tasks = [...states].flatMap(([name, state]) =>
    state.Type === 'Task' && state.Resource === RUN_TASK ? [[name, state] as const] : [],
  );

  it('asks of each stage that grows with the model what runs it, at every way in', () => {
    expect(tasks.map(([name]) => name)).toEqual(['ConvertOnFargate', 'QuantizeOnFargate', 'ValidateOnFargate']);
    const into = (target: string): string[] =>
      [...states].flatMap(([name, state]) =>
        JSON.stringify({ ...state, ItemProcessor: null }).includes(`"${target}"`) ? [name] : [],
      );
    for (const stage of ['Convert', 'Quantize', 'Validate'])
      expect([stage, into(stage), into(`${stage}OnFargate`)]).toEqual([
        stage,
        [`Where${stage}`],
        [`Where${stage}`, stage],
      ]);
  });

  it('listens to a task longer than it may be silent, and catches all that ends it', () => {
    for (const [name, state] of tasks) {
      expect(state.HeartbeatSeconds, name).toBe(HEARTBEAT_SECONDS);
      expect(state.TimeoutSeconds, name).toBeGreaterThan(HEARTBEAT_SECONDS);
      expect(state.Catch?.at(-1)?.ErrorEquals, name).toEqual(['States.ALL']);
      expect(machine.TimeoutSeconds).toBeGreaterThan(tasks.length * (state.TimeoutSeconds as number));
    }
  });
});

it('invokes the function of every stage', () => {
  const mentioned = new Set(strings(MACHINES));
  for (const { functionName } of Object.values(STAGES)) expect(mentioned).toContain(`\${${functionName}}`);
});

// Seeded defects: the validators of this test see what they are here for.
it.each<[string, (machine: StateMachine) => unknown]>([
  ['a state that leads nowhere', (m) => ({ ...m, StartAt: 'Nowhere' })],
  [
    'a task without a resource',
    (m) => ({ ...m, States: { ...m.States, Report: { ...m.States['Report'], Resource: undefined } } }),
  ],
])('finds %s', async (_what, breakIt) => {
  const broken = JSON.parse(JSON.stringify(breakIt(ferryStateMachine()))) as object;
  expect(aslValidator(broken as never).isValid).toBe(false);
  expect(await diagnose(broken)).not.toEqual([]);
});
