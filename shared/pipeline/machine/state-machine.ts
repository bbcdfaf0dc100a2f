/** The conversion of one model as a state machine: what Step Functions deploys and `local/` interprets. */
import { type Catcher, expression, type Machine, type MapState, type State, type StateMachine } from './asl.ts';
import type { StageName } from './stages.ts';
import { rowOf, stagesAt } from './stages-at.ts';
import { eventTask, failureOf, type MachineNames, PLACEHOLDERS, type StageTask, stageTask } from './task.ts';

const toFailureReport = (stage: string): readonly Catcher[] => [
  { ErrorEquals: ['States.ALL'], Assign: { failure: failureOf(stage) }, Output: {}, Next: 'ReportFailure' },
];

// An S3 event from EventBridge, or what a person or a batch starts the machine with: { bucket, key, version?, options?,
// request? }.
const REQUEST = expression(`$exists($states.input.detail.object)
  ? {
      "bucket": $states.input.detail.bucket.name,
      "key": $states.input.detail.object.key,
      "size": $states.input.detail.object.size,
      "etag": $states.input.detail.object.etag,
      "version": $states.input.detail.object.\`version-id\`
    }
  : $states.input`);

const stateOf = (stage: StageName): string => stage.charAt(0).toUpperCase() + stage.slice(1);

/** Where a stage is entered: at the question whether it is wanted, when not every variant wants it. */
const entryOf = (stage: StageName): string => `${rowOf(stage).only ? 'Must' : ''}${stateOf(stage)}`;

interface Chain extends Pick<StageTask, 'payload'> {
  readonly output: (index: number) => StageTask['output'];
  readonly next: string;
  readonly catch: (stage: StageName) => readonly Catcher[];
}

/** Stages one after another. */
function chained(names: MachineNames, stages: readonly StageName[], chain: Chain): Record<string, State> {
  const entries = [...stages.map(entryOf), chain.next];
  const states = stages.flatMap((stage, i): [string, State][] => {
    const next = entries[i + 1]!;
    const { only } = rowOf(stage);
    const task = stageTask(names, {
      stage,
      payload: chain.payload,
      output: chain.output(i),
      next,
      catch: chain.catch(stage),
    });
    return [
      ...(only ? [[entryOf(stage), onlyIf(only, stateOf(stage), next)] as [string, State]] : []),
      [stateOf(stage), task],
    ];
  });
  return Object.fromEntries(states);
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
    Items: '{% $states.input.variants %}',
    ItemSelector: { job: '{% $job %}', variant: '{% $states.context.Map.Item.Value %}' },
    MaxConcurrency: 4,
    ItemProcessor: {
      ProcessorConfig: { Mode: 'INLINE' },
      StartAt: entryOf(stages[0]!),
      States: {
        ...chained(names, stages, {
          payload: { job: '{% $states.input.job %}', variant: '{% $states.input.variant %}' },
          output: () => '{% $states.input %}',
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
    Catch: toFailureReport('variants'),
    Next: 'Report',
  };
};

function conversion(names: MachineNames): Machine {
  const stages = stagesAt('job');
  const context = { execution: '{% $states.context.Execution.Id %}', buckets: { ...names.buckets } };
  // An object in JSONata leaves out what is not there: a request without a key is refused, and the event still goes
  // out.
  const model = expression('{"bucket": $request.bucket, "key": $request.key, "version": $request.version}');
  return {
    StartAt: 'Request',
    States: {
      Request: { Type: 'Pass', Assign: { request: REQUEST, job: null, failure: null }, Next: 'Claim' },
      Claim: stageTask(names, {
        stage: 'claim',
        payload: { request: '{% $request %}', ...context, maxModelBytes: names.maxModelBytes },
        assign: { job: '{% $states.result.Payload.job %}' },
        next: 'IsDuplicate',
        catch: toFailureReport('claim'),
      }),
      IsDuplicate: {
        Type: 'Choice',
        Choices: [{ Condition: '{% $states.input.duplicate %}', Next: 'Duplicate' }],
        Default: entryOf(stages[0]!),
      },
      Duplicate: { Type: 'Succeed' },
      ...chained(names, stages, {
        payload: { job: '{% $job %}' },
        output: (i) => (i === 0 ? undefined : '{% $states.input %}'),
        next: 'Variants',
        catch: toFailureReport,
      }),
      Variants: variants(names),
      Report: stageTask(names, {
        stage: 'report',
        payload: { job: '{% $job %}', variants: '{% $states.input %}' },
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
        next: 'Failed',
        catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.input %}', Next: 'Failed' }],
      }),
      // The report knows the whole message; without one the error's own cause has to do.
      Failed: {
        Type: 'Fail',
        Error: '{% $failure.error %}',
        Cause: '{% $exists($states.input.message) ? $states.input.message : $failure.cause %}',
      },
    },
  };
}

/** The machine that an upload starts. Its input is the S3 event or `{ bucket, key, version?, options?, request? }`. */
export const ferryStateMachine = (names: MachineNames = PLACEHOLDERS): StateMachine => ({
  Comment: 'Convert one PyTorch model to validated ONNX and report on it',
  QueryLanguage: 'JSONata',
  TimeoutSeconds: 3 * 3600,
  ...conversion(names),
});
