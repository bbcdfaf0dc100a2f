/** Alarms for what takes too long: against the stage's own timeout, and on the rule and queue that uploads go through. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { STAGE_NAMES, STAGES } from '../../shared/pipeline/machine/stages.ts';
import { ofType, short, synthesize, type Untyped } from './synthesize.ts';

const alarmsOf = (chosen: Readonly<Record<string, string>> = {}): Map<string, Untyped> =>
  new Map(
    ofType(synthesize(chosen).resources, 'AWS::CloudWatch::Alarm').map(([id, { Properties }]) => [
      id.replace(/[0-9A-F]{8}$/, ''),
      Properties,
    ]),
  );
const alarms = alarmsOf();

describe('the 95th percentile', () => {
  it.each(STAGE_NAMES)('of %s is held against four fifths of its timeout', (stage) => {
    const { functionName, timeoutSeconds } = STAGES[stage];
    const alarm = alarms.get(`${stage[0]!.toUpperCase()}${stage.slice(1)}NearTimeout`);
    expect(alarm).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName: 'Duration',
      ExtendedStatistic: 'p95',
      Threshold: 0.8 * timeoutSeconds * 1000,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
    });
    expect(alarm.Dimensions.map(({ Name, Value }: Untyped) => [Name, short(Value)])).toEqual([
      ['FunctionName', `<${functionName}>`],
    ]);
  });

  it('of second functions too', () => {
    const large = [...alarmsOf({ largeMemoryMb: '10240' }).keys()].filter((id) => id.includes('Large'));
    expect(large).toEqual(['QuantizeLargeNearTimeout', 'ValidateLargeNearTimeout']);
  });
});

describe('the oldest event', () => {
  it('was delivered late', () => {
    expect(alarms.get('UploadStartedLate')).toMatchObject({
      Namespace: 'AWS/Events',
      MetricName: 'IngestionToInvocationSuccessLatency',
      Statistic: 'Maximum',
      // Milliseconds.
      Threshold: 15 * 60 * 1000,
      Dimensions: [{ Name: 'RuleName', Value: { Ref: expect.stringMatching(/^ModelUploaded/) } }],
    });
  });

  it('waits in the queue until it is nearly gone', () => {
    expect(alarms.get('UploadForgotten')).toMatchObject({
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateAgeOfOldestMessage',
      Statistic: 'Maximum',
      // Seconds.
      Threshold: 10 * 86_400,
      Dimensions: [{ Name: 'QueueName' }],
    });
  });

  it('is lost where the queue could not take it', () => {
    expect(alarms.get('UploadLost')).toMatchObject({
      Namespace: 'AWS/Events',
      MetricName: 'InvocationsFailedToBeSentToDlq',
      Threshold: 1,
    });
  });
});

it('cost what README says: ten cents a month for each metric that is watched', () => {
  const watched = [...alarms.values()].flatMap(({ Metrics }) =>
    Metrics ? (Metrics as Untyped[]).filter(({ MetricStat }) => MetricStat) : [null],
  );
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, dollars, count] = /\$([\d.]+) a month for (\d+) alarms/.exec(readme)!;
  expect([Number(dollars), Number(count)]).toEqual([watched.length / 10, alarms.size]);
});
