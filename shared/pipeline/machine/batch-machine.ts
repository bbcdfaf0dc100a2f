/**
 * Many models: a Distributed Map over a JSONL manifest or over everything under a prefix, each item one run of the
 * conversion machine.
 */
import { MODEL_SUFFIXES } from '../../formats/table.ts';
import {
  type Catcher,
  expression,
  type ItemReader,
  type Machine,
  type MapState,
  type StateMachine,
  type TaskState,
} from './asl.ts';
import { STARTED_BY } from '../job/request.ts';
import { WORK_PREFIXES } from '../workspace/keys.ts';
import {
  eventTask,
  failureOf,
  type MachineNames,
  PLACEHOLDERS,
  RUN_EXECUTION,
  stageTask,
  START_RETRY,
} from './task.ts';

const orElse = (field: string, fallback: string) =>
  expression(`$exists($states.input.${field}) ? $states.input.${field} : ${fallback}`);

// What a batch may say; what it does not, the plan takes from the manifest, or knows a default.
const BATCH = {
  id: '{% $states.context.Execution.Name %}',
  bucket: orElse('bucket', 'null'),
  manifest: orElse('manifest', 'null'),
  prefix: orElse('prefix', 'null'),
  options: orElse('options', 'null'),
  maxConcurrency: orElse('maxConcurrency', 'null'),
  toleratedFailurePercentage: orElse('toleratedFailurePercentage', 'null'),
};

// A line of a manifest is { line, row }, or { line, problem } when it is broken; a listed object is { Key, ... }.
// `request` makes this batch's jobs its own: the same model in the next batch is converted again.
const ITEM_REQUEST = expression(`(
  $item := $states.input.item;
  $row := $exists($item.Key) ? {"key": $item.Key, "size": $item.Size, "etag": $item.ETag} : $item.row;
  $options := $states.input.batch.options;
  $merge([
    {"bucket": $states.input.batch.bucket}, $options = null ? {} : {"options": $options}, $row,
    {"request": $states.input.batch.id}
  ])
)`);

// Under a prefix lie job files and data too; those are passed over.
const IS_MODEL = expression(
  `$contains($states.input.key, /(${MODEL_SUFFIXES.map((suffix) => suffix.replace('.', '\\.')).join('|')})$/i)`,
);

const convertOne = (names: MachineNames, next: string): TaskState => ({
  Type: 'Task',
  Resource: RUN_EXECUTION,
  Arguments: {
    StateMachineArn: names.conversion,
    // The field links the two executions in the console.
    Input: expression(`$merge([$states.input, {"${STARTED_BY}": $states.context.Execution.Id}])`),
  },
  Output: '{% $states.result.Output %}',
  Retry: START_RETRY,
  // No Catch: a redrive of the batch enters the state that failed, and so starts the conversion again.
  Next: next,
});

/** What a line of a manifest fails of that asks for nothing. */
export const BAD_ROW = 'BadManifestRow';

/** State names are unique in a whole machine, hence the label in each. */
function item(names: MachineNames, label: string): Machine {
  const name = (state: string): string => `${label}${state}`;
  return {
    StartAt: name('Item'),
    States: {
      [name('Item')]: {
        Type: 'Pass',
        Output: ITEM_REQUEST,
        Assign: {
          listed: '{% $exists($states.input.item.Key) %}',
          problem: '{% $exists($states.input.item.problem) ? $states.input.item.problem : null %}',
        },
        Next: name('IsModel'),
      },
      [name('IsModel')]: {
        Type: 'Choice',
        Choices: [
          { Condition: '{% $problem != null %}', Next: name('Broken') },
          { Condition: '{% $not($listed) %}', Next: name('Convert') },
          { Condition: IS_MODEL, Next: name('Convert') },
        ],
        Default: name('Skipped'),
      },
      [name('Convert')]: convertOne(names, name('Converted')),
      [name('Converted')]: { Type: 'Succeed' },
      [name('Broken')]: { Type: 'Fail', Error: BAD_ROW, Cause: '{% $problem %}' },
      [name('Skipped')]: { Type: 'Succeed', Output: { skipped: true } },
    },
  };
}

const map = (names: MachineNames, label: string, reader: ItemReader): MapState => ({
  Type: 'Map',
  Label: label,
  ItemReader: reader,
  ItemSelector: {
    item: '{% $states.context.Map.Item.Value %}',
    batch: { id: '{% $batch.id %}', bucket: '{% $batch.bucket %}', options: '{% $batch.options %}' },
  },
  ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }, ...item(names, label) },
  MaxConcurrency: '{% $batch.maxConcurrency %}',
  ToleratedFailurePercentage: '{% $batch.toleratedFailurePercentage %}',
  ResultWriter: {
    Resource: 'arn:aws:states:::s3:putObject',
    Arguments: { Bucket: names.buckets.work, Prefix: expression(`'${WORK_PREFIXES.batches}' & $batch.id`) },
    WriterConfig: { Transformation: 'NONE', OutputType: 'JSONL' },
  },
  // Over the tolerance, or nothing to read: the report lists what there is.
  Catch: [{ ErrorEquals: ['States.ALL'], Assign: { failure: failureOf('batch') }, Output: {}, Next: 'BatchReport' }],
  Next: 'BatchReport',
});

const withoutReport: readonly Catcher[] = [
  { ErrorEquals: ['States.ALL'], Assign: { failure: failureOf('batchReport') }, Output: {}, Next: 'NotifyBatchFailed' },
];

/**
 * The machine for many models. Input: `{ bucket, manifest | prefix, options?, maxConcurrency?,
 * toleratedFailurePercentage? }`.
 */
export const batchStateMachine = (names: MachineNames = PLACEHOLDERS): StateMachine => ({
  Comment: 'Convert many PyTorch models and report on all of them',
  QueryLanguage: 'JSONata',
  TimeoutSeconds: 7 * 24 * 3600,
  StartAt: 'Batch',
  States: {
    Batch: { Type: 'Pass', Assign: { batch: BATCH, failure: null, items: null }, Next: 'BatchPlan' },
    BatchPlan: stageTask(names, {
      stage: 'batchPlan',
      payload: { batch: '{% $batch %}', buckets: { ...names.buckets } },
      assign: {
        items: '{% $states.result.Payload.items %}',
        batch: '{% $merge([$batch, $states.result.Payload.settings]) %}',
      },
      next: 'ManifestOrPrefix',
      catch: [
        { ErrorEquals: ['States.ALL'], Assign: { failure: failureOf('batchPlan') }, Output: {}, Next: 'BatchReport' },
      ],
    }),
    ManifestOrPrefix: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $items != null %}', Next: 'OverManifest' }],
      Default: 'OverPrefix',
    },
    OverManifest: map(names, 'Manifest', {
      Resource: 'arn:aws:states:::s3:getObject',
      ReaderConfig: { InputType: 'JSONL' },
      Arguments: { Bucket: names.buckets.work, Key: '{% $items %}' },
    }),
    OverPrefix: map(names, 'Prefix', {
      Resource: 'arn:aws:states:::s3:listObjectsV2',
      Arguments: { Bucket: '{% $batch.bucket %}', Prefix: '{% $batch.prefix %}' },
    }),
    BatchReport: stageTask(names, {
      stage: 'batchReport',
      payload: { batch: '{% $batch %}', buckets: { ...names.buckets }, failure: '{% $failure %}' },
      next: 'HasBatchFailed',
      catch: withoutReport,
    }),
    HasBatchFailed: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $failure != null %}', Next: 'NotifyBatchFailed' }],
      Default: 'NotifyBatchCompleted',
    },
    NotifyBatchCompleted: eventTask(names, {
      type: 'model.batch.completed',
      detail: { batch: '{% $batch.id %}', result: '{% $states.input %}' },
      next: 'BatchDone',
    }),
    BatchDone: { Type: 'Succeed' },
    NotifyBatchFailed: eventTask(names, {
      type: 'model.batch.failed',
      detail: { batch: '{% $batch.id %}', failure: '{% $failure %}', result: '{% $states.input %}' },
      next: 'BatchFailed',
      catch: [{ ErrorEquals: ['States.ALL'], Next: 'BatchFailed' }],
    }),
    BatchFailed: { Type: 'Fail', Error: '{% $failure.error %}', Cause: '{% $failure.cause %}' },
  },
});
