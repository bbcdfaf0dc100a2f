/**
 * What somebody should hear about: conversions that failed or ran out of time, uploads that started nothing, functions
 * held back.
 */
import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { StageName } from '../shared/pipeline/machine/stages.ts';
import type { Trigger } from './trigger.ts';

export interface Watched {
  readonly conversion: StateMachine;
  readonly batch: StateMachine;
  readonly functions: Readonly<Record<StageName, LambdaFunction>>;
  readonly trigger: Trigger;
}

const FIVE_MINUTES = { period: Duration.minutes(5), statistic: 'Sum' };

/** One alarm a row: what went wrong, how it is measured, what to do. */
const rows = ({
  conversion,
  batch,
  functions,
  trigger,
}: Watched): Readonly<Record<string, readonly [metric: IMetric, description: string]>> => ({
  ConversionFailed: [
    conversion.metricFailed(FIVE_MINUTES),
    'A conversion failed; its report in the output bucket says why. Redrive it, or start it again.',
  ],
  ConversionTimedOut: [
    conversion.metricTimedOut(FIVE_MINUTES),
    'A conversion took longer than its machine may; look for the stage that hangs, then redrive.',
  ],
  BatchFailed: [
    batch.metricFailed(FIVE_MINUTES),
    'A batch failed as a whole: over its tolerance, or there was nothing to read. Run its failed.jsonl.',
  ],
  BatchTimedOut: [batch.metricTimedOut(FIVE_MINUTES), 'A batch took longer than its machine may; redrive it.'],
  ExecutionsThrottled: [
    conversion.metricThrottled(FIVE_MINUTES),
    'Step Functions holds conversions back; uploads come faster than the account allows.',
  ],
  FunctionsThrottled: [
    sum(Object.values(functions).map((each) => each.metricThrottles(FIVE_MINUTES))),
    'Functions are at their concurrency limit; stages wait and are tried again.',
  ],
  UploadNotDelivered: [
    trigger.undelivered.metricApproximateNumberOfMessagesVisible({ ...FIVE_MINUTES, statistic: 'Maximum' }),
    'An upload did not start a conversion; its event waits in the dead-letter queue.',
  ],
});

export function alarms(scope: Construct, watched: Watched, email: string | null): readonly Alarm[] {
  const topic = email === null ? null : alarmTopic(scope, email);
  return Object.entries(rows(watched)).map(([id, [metric, alarmDescription]]) => {
    const alarm = new Alarm(scope, id, {
      metric,
      alarmDescription,
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    if (topic) alarm.addAlarmAction(new SnsAction(topic));
    return alarm;
  });
}

function alarmTopic(scope: Construct, email: string): Topic {
  const topic = new Topic(scope, 'Alarms', { displayName: 'torchferry alarms', enforceSSL: true });
  topic.addSubscription(new EmailSubscription(email));
  return topic;
}

function sum(metrics: readonly IMetric[]): MathExpression {
  const usingMetrics = Object.fromEntries(metrics.map((metric, i) => [`m${i}`, metric]));
  return new MathExpression({
    expression: Object.keys(usingMetrics).join(' + '),
    usingMetrics,
    period: Duration.minutes(5),
    label: 'throttles',
  });
}
