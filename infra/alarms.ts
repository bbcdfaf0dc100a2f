/**
 * What somebody should hear about: conversions that failed or ran out of time, uploads that started nothing or late,
 * functions held back or near their timeout.
 */
import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  type MetricOptions,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { letPublisherUse } from './encryption.ts';
import { nearTimeout, oldestEvent } from './delays.ts';
import { notSent, type ResultTopic } from './results.ts';
import type { Trigger } from './trigger.ts';

export interface Watched {
  readonly conversion: StateMachine;
  readonly batch: StateMachine;
  /** By the stage, or what else tells them apart. */
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  readonly trigger: Trigger;
  /** Where results are sent; undefined: nowhere. */
  readonly results: ResultTopic | undefined;
}

const FIVE_MINUTES = { period: Duration.minutes(5), statistic: 'Sum' };
const AN_HOUR = { period: Duration.hours(1), statistic: 'Sum' };

export interface AlarmRow {
  readonly metric: IMetric;
  /** What went wrong, and what to do. */
  readonly description: string;
  /** From here on, in the unit of the metric. Default: 1. */
  readonly threshold?: number;
  /** False: seen on the dashboard only. Default: whoever hears of alarms hears of it. */
  readonly isSent?: false;
}

/** One alarm a row. */
const rows = ({ conversion, batch, functions, trigger, results }: Watched): Readonly<Record<string, AlarmRow>> => ({
  JobFaulted: {
    metric: jobs('FaultedJobs'),
    description:
      'A job failed for a fault of the pipeline, not of the model; its report says why. Mend it, then redrive.',
  },
  UploadRefused: {
    metric: jobs('RefusedUploads'),
    description: 'An upload could not be converted; its report in the output bucket tells its owner why.',
    isSent: false,
  },
  ExecutionLost: {
    metric: new MathExpression({
      expression: 'FILL(failed, 0) - FILL(faulted, 0) - FILL(refused, 0)',
      usingMetrics: {
        failed: conversion.metricFailed(AN_HOUR),
        faulted: jobs('FaultedJobs', AN_HOUR),
        refused: jobs('RefusedUploads', AN_HOUR),
      },
      period: AN_HOUR.period,
      label: 'failed without a reason',
    }),
    description: 'A conversion failed outside of its stages, and its job was not given back. Look at it, then redrive.',
  },
  ConversionTimedOut: {
    metric: conversion.metricTimedOut(FIVE_MINUTES),
    description: 'A conversion took longer than its machine may; look for the stage that hangs, then redrive.',
  },
  BatchFailed: {
    metric: batch.metricFailed(FIVE_MINUTES),
    description: 'A batch failed as a whole: over its tolerance, or there was nothing to read. Run its failed.jsonl.',
  },
  BatchTimedOut: {
    metric: batch.metricTimedOut(FIVE_MINUTES),
    description: 'A batch took longer than its machine may; redrive it.',
  },
  ExecutionsThrottled: {
    metric: conversion.metricThrottled(FIVE_MINUTES),
    description: 'Step Functions holds conversions back; uploads come faster than the account allows.',
  },
  FunctionsThrottled: {
    metric: sum(Object.values(functions).map((each) => each.metricThrottles(FIVE_MINUTES))),
    description: 'Functions are at their concurrency limit; stages wait and are tried again.',
  },
  UploadNotDelivered: {
    metric: trigger.undelivered.metricApproximateNumberOfMessagesVisible({ ...FIVE_MINUTES, statistic: 'Maximum' }),
    description: 'An upload did not start a conversion; its event waits in the dead-letter queue.',
  },
  ...(results && {
    ResultNotSent: {
      metric: notSent(results),
      description: 'A result was not sent to its topic and waits in a queue; look at the policy of the key.',
    },
  }),
  ...oldestEvent(trigger),
  ...nearTimeout(functions),
});

/** What functions/stage-handler.ts counts of the jobs that failed. */
const jobs = (metricName: string, over: MetricOptions = FIVE_MINUTES): Metric =>
  new Metric({ namespace: 'Torchferry', metricName, dimensionsMap: { service: 'torchferry' }, ...over });

export interface Heard {
  /** undefined: nobody. */
  readonly email: string | undefined;
  /** One that is there; undefined: none. */
  readonly topic: ITopic | undefined;
  readonly key: IKey | undefined;
}

export function alarms(scope: Construct, watched: Watched, { email, topic, key }: Heard): readonly Alarm[] {
  const topics = [...(email === undefined ? [] : [alarmTopic(scope, email, key)]), ...(topic ? [topic] : [])];
  return Object.entries(rows(watched)).map(([id, { metric, description, threshold = 1, isSent = true }]) => {
    const alarm = new Alarm(scope, id, {
      metric,
      alarmDescription: description,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    if (isSent) alarm.addAlarmAction(...topics.map((each) => new SnsAction(each)));
    return alarm;
  });
}

function alarmTopic(scope: Construct, email: string, key: IKey | undefined): ITopic {
  const topic = new Topic(scope, 'Alarms', {
    displayName: 'torchferry alarms',
    enforceSSL: true,
    ...(key ? { masterKey: key } : {}),
  });
  if (key) letPublisherUse(key, 'cloudwatch.amazonaws.com');
  topic.addSubscription(new EmailSubscription(email));
  // A policy of its own takes away the one that every topic comes with, by which CloudWatch may publish.
  topic.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AllowAlarms',
      actions: ['sns:Publish'],
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
  );
  return topic as ITopic;
}

function sum(metrics: readonly IMetric[]): MathExpression {
  const usingMetrics = Object.fromEntries(metrics.map((metric, i) => [`m${i}`, metric]));
  return new MathExpression({
    // Without a value for one there is none for the sum, and a function that was not throttled has none.
    expression: Object.keys(usingMetrics)
      .map((name) => `FILL(${name}, 0)`)
      .join(' + '),
    usingMetrics,
    period: Duration.minutes(5),
    label: 'throttles',
  });
}
