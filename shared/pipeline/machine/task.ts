/**
 * The two kinds of work a machine hands out: a stage's Lambda function and an event on the bus, each with what may be
 * tried again.
 */
import { type Catcher, expression, type Retrier, type TaskState, type Template } from './asl.ts';
import { type FargateNames, fargateTask } from './fargate-task.ts';
import { STAGES, type StageName } from './stages.ts';
import type { Tier } from './tiers.ts';

/** Names that deployment fills in; in a template they are placeholders, `${ConvertFunction}`. */
export interface MachineNames {
  readonly functions: Readonly<Record<StageName, string>>;
  readonly buckets: { readonly output: string; readonly work: string };
  readonly eventBus: string;
  /** Second functions for models that those of `functions` cannot hold; null: there are none. */
  readonly largeFunctions: Readonly<Partial<Record<StageName, string>>> | null;
  /** Tasks for models that no function can hold; null: there are none. */
  readonly fargate: FargateNames | null;
  /** What holds a model, the smallest first; null: this machine, without a limit. */
  readonly tiers: readonly Tier[] | null;
  /** Uploads elsewhere start nothing, because the bucket is shared with others; empty: all of it is ours. */
  readonly inputPrefix: string;
  /** Uploads below this start nothing, because batches convert them; empty: all uploads start a conversion. */
  readonly batchPrefix: string;
  /** ARN of the machine that converts one model: what the items of a batch start. */
  readonly conversion: string;
}

const stageNames = Object.entries(STAGES).map(([stage, { functionName }]) => [stage, `\${${functionName}}`]);

export const PLACEHOLDERS: MachineNames = {
  // Object.fromEntries forgets the keys; they are those of STAGES.
  functions: Object.fromEntries(stageNames) as Record<StageName, string>,
  buckets: { output: '${OutputBucket}', work: '${WorkBucket}' },
  eventBus: '${EventBus}',
  largeFunctions: null,
  fargate: null,
  tiers: [{ name: 'standard', memoryMb: STAGES.validate.memoryMb, temporaryMb: STAGES.validate.temporaryMb }],
  inputPrefix: '',
  batchPrefix: '',
  conversion: '${ConversionStateMachine}',
};

export const INVOKE = 'arn:aws:states:::lambda:invoke';
/** Start an execution and wait for its end. */
export const RUN_EXECUTION = 'arn:aws:states:::states:startExecution.sync:2';
/** Start an execution and go on. */
export const START_EXECUTION = 'arn:aws:states:::states:startExecution';
export const PUT_EVENTS = 'arn:aws:states:::events:putEvents';

/**
 * Only what failed in AWS, not in the stage, is tried again. Typed failures end the same way every time; so do timeouts
 * and
 * out-of-memory at the same size, and a retry of those costs fifteen minutes each. FULL jitter: throttled calls come in
 * crowds.
 */
export const LAMBDA_RETRY: readonly Retrier[] = [
  {
    ErrorEquals: ['Lambda.TooManyRequestsException'],
    IntervalSeconds: 2,
    MaxAttempts: 10,
    BackoffRate: 2,
    MaxDelaySeconds: 120,
    JitterStrategy: 'FULL',
  },
  {
    ErrorEquals: [
      'Lambda.ServiceException',
      'Lambda.AWSLambdaException',
      'Lambda.SdkClientException',
      'StorageUnavailable',
    ],
    IntervalSeconds: 1,
    MaxAttempts: 5,
    BackoffRate: 2,
    MaxDelaySeconds: 30,
    JitterStrategy: 'FULL',
  },
  {
    // The tag of a scan may come after its event, and data be scanned after the model that needs them: ten minutes.
    ErrorEquals: ['ScanPending'],
    IntervalSeconds: 15,
    MaxAttempts: 8,
    BackoffRate: 2,
    MaxDelaySeconds: 240,
    JitterStrategy: 'FULL',
  },
];

/**
 * Release fails by the name of what failed before, which may be one of these and is then tried in vain: not for long.
 */
export const RELEASE_RETRY: readonly Retrier[] = LAMBDA_RETRY.map((retrier) => ({
  ...retrier,
  IntervalSeconds: 2,
  MaxAttempts: 3,
}));

export const START_RETRY: readonly Retrier[] = [
  {
    ErrorEquals: [
      'StepFunctions.ExecutionLimitExceededException',
      'StepFunctions.ThrottlingException',
      'StepFunctions.SdkClientException',
    ],
    IntervalSeconds: 5,
    MaxAttempts: 10,
    BackoffRate: 2,
    MaxDelaySeconds: 120,
    JitterStrategy: 'FULL',
  },
];

const EVENT_RETRY: readonly Retrier[] = [
  {
    ErrorEquals: [
      'EventBridge.FailedEntry',
      'EventBridge.InternalException',
      'EventBridge.ThrottlingException',
      'EventBridge.SdkClientException',
    ],
    IntervalSeconds: 1,
    MaxAttempts: 5,
    BackoffRate: 2,
    MaxDelaySeconds: 30,
    JitterStrategy: 'FULL',
  },
];

// A function that runs into its own timeout answers with an error; the state waits longer, so that this error is what
// is seen.
const SLACK_SECONDS = 60;

export interface StageTask {
  readonly stage: StageName;
  readonly payload: { readonly [key: string]: Template };
  readonly assign?: Template;
  /** Default: what the stage returned. */
  readonly output?: Template | undefined;
  readonly next?: string;
  /** Default: LAMBDA_RETRY. */
  readonly retry?: readonly Retrier[];
  readonly catch: readonly Catcher[];
}

const transition = (next: string | undefined): { Next: string } | { End: true } =>
  next === undefined ? { End: true } : { Next: next };

/** Where there are two of a stage, that of the tier which Claim chose. */
function functionOf({ functions, largeFunctions }: MachineNames, stage: StageName): Template {
  const large = largeFunctions?.[stage];
  return large === undefined ? functions[stage] : expression(`$tier = "large" ? "${large}" : "${functions[stage]}"`);
}

/** What is around a stage, wherever it runs: both answer with a Payload. */
const around = (task: StageTask) => ({
  ...(task.assign === undefined ? {} : { Assign: task.assign }),
  Output: task.output ?? '{% $states.result.Payload %}',
  ...(task.catch.length ? { Catch: task.catch } : {}),
  ...transition(task.next),
});

/** A stage as a function. */
export const stageTask = (names: MachineNames, task: StageTask): TaskState => ({
  Type: 'Task',
  Resource: INVOKE,
  Arguments: { FunctionName: functionOf(names, task.stage), Payload: task.payload },
  ...around(task),
  TimeoutSeconds: STAGES[task.stage].timeoutSeconds + SLACK_SECONDS,
  Retry: task.retry ?? LAMBDA_RETRY,
});

/** The same stage as a task, where there are any. */
export const stageOnFargate = ({ fargate }: MachineNames, task: StageTask): TaskState | null =>
  fargate?.definitions[task.stage]
    ? fargateTask(fargate, { stage: task.stage, payload: task.payload, around: around(task) })
    : null;

export const EVENT_SOURCE = 'torchferry';

interface EventTask {
  readonly type: EventType;
  readonly detail: Template;
  readonly next: string;
  readonly catch?: readonly Catcher[];
}

export type EventType =
  'model.conversion.completed' | 'model.conversion.failed' | 'model.batch.completed' | 'model.batch.failed';

export const eventTask = (names: MachineNames, task: EventTask): TaskState => ({
  Type: 'Task',
  Resource: PUT_EVENTS,
  Arguments: {
    Entries: [{ Source: EVENT_SOURCE, DetailType: task.type, EventBusName: names.eventBus, Detail: task.detail }],
  },
  Output: '{% $states.input %}',
  Retry: EVENT_RETRY,
  ...(task.catch ? { Catch: task.catch } : {}),
  Next: task.next,
});

/** How often an execution has been redriven. */
export const REDRIVES = expression(
  '$exists($states.context.Execution.RedriveCount) ? $states.context.Execution.RedriveCount : 0',
);

/**
 * What a Catch keeps of an error: enough to say what it was where the stage could not write its own facts. Lambda's
 * Cause is JSON, here cut.
 */
export const failureOf = (stage: Template): Template => ({
  stage,
  error: '{% $states.errorOutput.Error %}',
  cause: '{% $exists($states.errorOutput.Cause) ? $substring($states.errorOutput.Cause, 0, 300) : "" %}',
  entered: '{% $states.context.State.EnteredTime %}',
  redrives: REDRIVES,
});
