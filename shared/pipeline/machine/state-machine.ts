/** The conversion of one model as a state machine: what Step Functions deploys and `local/` interprets. */
import { type Catcher, expression, type Machine, type MapState, type StateMachine } from './asl.ts';
import { eventTask, failureOf, type MachineNames, PLACEHOLDERS, stageTask } from './task.ts';

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

/**
 * One variant: quantize when it asks for it, then validate. A failure is its result, so that it never takes the other
 * variants along.
 */
const variants = (names: MachineNames): MapState => {
  const payload = { job: '{% $states.input.job %}', variant: '{% $states.input.variant %}' };
  const keepFailure = (stage: string): readonly Catcher[] => [
    {
      ErrorEquals: ['States.ALL'],
      Output: { variant: '{% $states.input.variant.name %}', failure: failureOf(stage) },
      Next: 'VariantFailed',
    },
  ];
  return {
    Type: 'Map',
    Items: '{% $states.input.variants %}',
    ItemSelector: { job: '{% $job %}', variant: '{% $states.context.Map.Item.Value %}' },
    MaxConcurrency: 4,
    ItemProcessor: {
      ProcessorConfig: { Mode: 'INLINE' },
      StartAt: 'MustQuantize',
      States: {
        MustQuantize: {
          Type: 'Choice',
          Choices: [{ Condition: '{% $states.input.variant.quantize %}', Next: 'Quantize' }],
          Default: 'Validate',
        },
        Quantize: stageTask(names, {
          stage: 'quantize',
          payload,
          output: '{% $states.input %}',
          next: 'Validate',
          catch: keepFailure('quantize'),
        }),
        Validate: stageTask(names, {
          stage: 'validate',
          payload,
          output: { variant: '{% $states.input.variant.name %}', failure: null },
          next: 'VariantDone',
          catch: keepFailure('validate'),
        }),
        VariantDone: { Type: 'Succeed' },
        VariantFailed: { Type: 'Succeed' },
      },
    },
    Catch: toFailureReport('variants'),
    Next: 'Report',
  };
};

function conversion(names: MachineNames): Machine {
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
        Default: 'Convert',
      },
      Duplicate: { Type: 'Succeed' },
      Convert: stageTask(names, {
        stage: 'convert',
        payload: { job: '{% $job %}' },
        next: 'Variants',
        catch: toFailureReport('convert'),
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
