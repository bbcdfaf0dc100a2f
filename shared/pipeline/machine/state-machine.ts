/** The conversion of one model as a state machine: what Step Functions deploys and `local/` interprets. */
import {
  type Catcher,
  type Expression,
  expression,
  expressionSource,
  type Machine,
  type MapState,
  type State,
  type StateMachine,
  type Template,
} from './asl.ts';
import { FARGATE_SECONDS } from './fargate-container.ts';
import { BEYOND_A_FUNCTION, IS_FARGATE } from './fargate-task.ts';
import type { StageName } from './stages.ts';
import { rowOf, stagesAt } from './stages-at.ts';
import {
  eventTask,
  failureOf,
  type MachineNames,
  PLACEHOLDERS,
  REDRIVES,
  RELEASE_RETRY,
  stageOnFargate,
  type StageTask,
  stageTask,
  START_EXECUTION,
  START_RETRY,
} from './task.ts';

const toFailureReport = (stage: string): readonly Catcher[] => [
  { ErrorEquals: ['States.ALL'], Assign: { failure: failureOf(stage) }, Output: {}, Next: 'ReportFailure' },
];

// An event of S3 or of GuardDuty's scan from EventBridge, or what a person or a batch starts the machine with:
// { bucket, key, version?, options?, request? }.
const REQUEST = expression(`$exists($states.input.detail.object)
  ? {
      "bucket": $states.input.detail.bucket.name,
      "key": $states.input.detail.object.key,
      "size": $states.input.detail.object.size,
      "etag": $states.input.detail.object.etag,
      "version": $states.input.detail.object.\`version-id\`,
      "delivered": true
    }
  : $exists($states.input.detail.s3ObjectDetails) ? {
      "bucket": $states.input.detail.s3ObjectDetails.bucketName,
      "key": $states.input.detail.s3ObjectDetails.objectKey,
      "etag": $states.input.detail.s3ObjectDetails.eTag,
      "version": $states.input.detail.s3ObjectDetails.versionId,
      "delivered": true
    }
  : $states.input`);

// A duplicate, or a file that jobs waited for, has none.
const TIER = expression('$exists($states.result.Payload.tier) ? $states.result.Payload.tier : null');

/** The state that runs a stage. */
export const stateOf = (stage: StageName): string => stage.charAt(0).toUpperCase() + stage.slice(1);

const hasFargate = ({ fargate }: MachineNames, stage: StageName): boolean => fargate?.definitions[stage] !== undefined;

/** Where the work of a stage begins: at the question what runs it, where there are two answers. */
const workOf = (names: MachineNames, stage: StageName): string =>
  `${hasFargate(names, stage) ? 'Where' : ''}${stateOf(stage)}`;

/** Where a stage is entered: at the question whether it is wanted, when not every variant wants it. */
const entryOf = (names: MachineNames, stage: StageName): string =>
  rowOf(stage).only ? `Must${stateOf(stage)}` : workOf(names, stage);

interface Chain extends Pick<StageTask, 'payload'> {
  readonly fields: (index: number) => Pick<StageTask, 'output' | 'assign'>;
  readonly next: string;
  readonly catch: (stage: StageName) => readonly Catcher[];
}

/** Stages one after another. */
function chained(names: MachineNames, stages: readonly StageName[], chain: Chain): Record<string, State> {
  const entries = [...stages.map((stage) => entryOf(names, stage)), chain.next];
  const states = stages.map((stage, i): Record<string, State> => {
    const next = entries[i + 1]!;
    const { only } = rowOf(stage);
    const task = { stage, payload: chain.payload, ...chain.fields(i), next, catch: chain.catch(stage) };
    return {
      ...(only ? { [entryOf(names, stage)]: onlyIf(only, workOf(names, stage), next) } : {}),
      ...worked(names, task),
    };
  });
  return Object.assign({}, ...states) as Record<string, State>;
}

/** A function that was ended hands its stage to a task, with the same input. */
const toFargate = (state: string): Catcher => ({
  ErrorEquals: BEYOND_A_FUNCTION,
  Output: '{% $states.input %}',
  Next: `${state}OnFargate`,
});

/** A stage as a function and, where a deployment has tasks, as one of them. */
function worked(names: MachineNames, task: StageTask): Record<string, State> {
  const state = stateOf(task.stage);
  const onFargate = stageOnFargate(names, task);
  const where: State = {
    Type: 'Choice',
    Choices: [{ Condition: IS_FARGATE, Next: `${state}OnFargate` }],
    Default: state,
  };
  return {
    ...(onFargate ? { [workOf(names, task.stage)]: where } : {}),
    [state]: stageTask(names, onFargate ? { ...task, catch: [toFargate(state), ...task.catch] } : task),
    ...(onFargate ? { [`${state}OnFargate`]: onFargate } : {}),
  };
}

const onlyIf = (flag: string, stage: string, next: string): State => ({
  Type: 'Choice',
  Choices: [{ Condition: expression(`$states.input.variant.${flag}`), Next: stage }],
  Default: next,
});

/** The stages of one variant. A failure is its result, so that it never takes the other variants along. */
const variants = (names: MachineNames): MapState => {
  const stages = stagesAt('variant');
  return {
    Type: 'Map',
    // A variable, because a redrive comes here from another state.
    Items: '{% $variants %}',
    ItemSelector: { job: '{% $job %}', variant: '{% $states.context.Map.Item.Value %}' },
    MaxConcurrency: 4,
    ItemProcessor: {
      ProcessorConfig: { Mode: 'INLINE' },
      StartAt: entryOf(names, stages[0]!),
      States: {
        ...chained(names, stages, {
          payload: { job: '{% $states.input.job %}', variant: '{% $states.input.variant %}' },
          fields: () => ({ output: '{% $states.input %}' }),
          next: 'VariantDone',
          catch: (stage) => [
            {
              ErrorEquals: ['States.ALL'],
              Output: { variant: '{% $states.input.variant.name %}', failure: failureOf(stage) },
              Next: 'VariantFailed',
            },
          ],
        }),
        VariantDone: { Type: 'Succeed', Output: { variant: '{% $states.input.variant.name %}', failure: null } },
        VariantFailed: { Type: 'Succeed' },
      },
    },
    Assign: { outcomes: '{% $states.result %}' },
    Catch: toFailureReport('variants'),
    Next: 'Report',
  };
};

const failedIn = (stage: StageName): Expression => expression(`$failure.stage = "${stage}"`);

/** An upload below a prefix, or elsewhere; what a person or a batch starts is not held back. */
const isUpload = (where: '=' | '!=', prefix: string): Expression =>
  expression(`(
    $prefix := "${prefix}";
    $prefix != "" and $exists($request.delivered) and $substring($request.key, 0, $length($prefix)) ${where} $prefix
  )`);

/** Every job that waited for the file that came. */
const startWaiting: MapState = {
  Type: 'Map',
  Items: '{% $states.input.start %}',
  MaxConcurrency: 4,
  ItemProcessor: {
    ProcessorConfig: { Mode: 'INLINE' },
    StartAt: 'StartJob',
    States: {
      StartJob: {
        Type: 'Task',
        Resource: START_EXECUTION,
        Arguments: { StateMachineArn: '{% $states.context.StateMachine.Id %}', Input: '{% $states.input %}' },
        Retry: START_RETRY,
        End: true,
      },
    },
  },
  Output: { started: '{% $count($states.result) %}' },
  Next: 'Started',
};

function conversion(names: MachineNames): Machine {
  const stages = stagesAt('job');
  const forgotten = { failure: null };
  const context = { execution: '{% $states.context.Execution.Id %}', buckets: { ...names.buckets } };
  // An object in JSONata leaves out what is not there: a request without a key is refused, and the event still goes
  // out.
  const model = expression('{"bucket": $request.bucket, "key": $request.key, "version": $request.version}');
  return {
    StartAt: 'Request',
    States: {
      Request: {
        Type: 'Pass',
        Assign: { request: REQUEST, job: null, tier: null, failure: null, variants: [], outcomes: [] },
        Output: {},
        Next: 'IsWanted',
      },
      // A choice and no pattern of the rule: EventBridge cannot ask a key for its ending and against its beginning.
      IsWanted: {
        Type: 'Choice',
        Choices: [
          { Condition: isUpload('!=', names.inputPrefix), Next: 'LeftAlone' },
          { Condition: isUpload('=', names.batchPrefix), Next: 'LeftToBatch' },
        ],
        Default: 'Claim',
      },
      LeftAlone: { Type: 'Succeed', Output: { leftAlone: true } },
      LeftToBatch: { Type: 'Succeed', Output: { leftToBatch: true } },
      Claim: stageTask(names, {
        stage: 'claim',
        payload: { request: '{% $request %}', ...context, tiers: names.tiers as Template },
        assign: { job: '{% $states.result.Payload.job %}', tier: TIER },
        next: 'IsDuplicate',
        catch: toFailureReport('claim'),
      }),
      IsDuplicate: {
        Type: 'Choice',
        Choices: [
          { Condition: '{% $exists($states.input.start) %}', Next: 'StartWaiting' },
          { Condition: '{% $states.input.duplicate %}', Next: 'Duplicate' },
        ],
        Default: entryOf(names, stages[0]!),
      },
      Duplicate: { Type: 'Succeed' },
      StartWaiting: startWaiting,
      Started: { Type: 'Succeed' },
      ...chained(names, stages, {
        payload: { job: '{% $job %}' },
        fields: (i) => (i === 0 ? { assign: { variants: '{% $states.result.Payload.variants %}' } } : {}),
        next: 'Variants',
        catch: toFailureReport,
      }),
      Variants: variants(names),
      Report: stageTask(names, {
        stage: 'report',
        payload: { job: '{% $job %}', variants: '{% $outcomes %}' },
        next: 'HasFailed',
        catch: toFailureReport('report'),
      }),
      HasFailed: {
        Type: 'Choice',
        Choices: [
          {
            Condition: '{% $states.input.verdict = "fail" %}',
            Assign: {
              failure: {
                stage: '{% $states.input.stage %}',
                error: '{% $states.input.error %}',
                cause: '{% $states.input.message %}',
                redrives: REDRIVES,
              },
            },
            Next: 'NotifyFailed',
          },
        ],
        Default: 'NotifyCompleted',
      },
      NotifyCompleted: eventTask(names, {
        type: 'model.conversion.completed',
        detail: { model, result: '{% $states.input %}' },
        next: 'Converted',
      }),
      Converted: { Type: 'Succeed' },
      ReportFailure: stageTask(names, {
        stage: 'report',
        payload: { job: '{% $job %}', request: '{% $request %}', failure: '{% $failure %}', ...context },
        next: 'NotifyFailed',
        // Not even a report: the event and the execution still say what failed first.
        catch: [{ ErrorEquals: ['States.ALL'], Output: {}, Next: 'NotifyFailed' }],
      }),
      NotifyFailed: eventTask(names, {
        type: 'model.conversion.failed',
        detail: { model, failure: '{% $failure %}', result: '{% $states.input %}' },
        next: 'Release',
        catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.input %}', Next: 'Release' }],
      }),
      // Fails with the code of the job, so that the execution does: a Fail state would fail again in a redrive.
      // Redriven, it takes the job back and leads to the stage that failed.
      Release: stageTask(names, {
        stage: 'release',
        payload: {
          job: '{% $job %}',
          execution: context.execution,
          failure: '{% $failure %}',
          // The report knows the whole message.
          message: '{% $exists($states.input.message) ? $states.input.message : null %}',
          redriven: expression(`(${expressionSource(REDRIVES)}) > $failure.redrives`),
        },
        assign: { job: '{% $states.result.Payload.job %}' },
        retry: RELEASE_RETRY,
        next: 'Resume',
        catch: [],
      }),
      Resume: {
        Type: 'Choice',
        Choices: [
          { Condition: '{% $job = null %}', Next: 'Claim', Assign: forgotten },
          ...stages.map((stage) => ({ Condition: failedIn(stage), Next: entryOf(names, stage), Assign: forgotten })),
          // Nothing but the last report failed: its variants are there.
          { Condition: failedIn('report'), Next: 'Report', Assign: forgotten },
        ],
        Default: 'Variants',
        Assign: forgotten,
      },
    },
  };
}

/** The machine that an upload starts. Its input is the S3 event or `{ bucket, key, version?, options?, request? }`. */
export const ferryStateMachine = (names: Partial<MachineNames> = {}): StateMachine => ({
  Comment: 'Convert one PyTorch model to validated ONNX and report on it',
  QueryLanguage: 'JSONata',
  TimeoutSeconds: names.fargate ? 4 * FARGATE_SECONDS : 3 * 3600,
  ...conversion({ ...PLACEHOLDERS, ...names }),
});
