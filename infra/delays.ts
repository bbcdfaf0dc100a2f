/**
 * What takes too long: events that wait, in EventBridge or in the dead-letter queue, and stages that come near their
 * timeout.
 *
 * EventBridge has no metric of events that wait; it says how long one waited once it is delivered
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html), and the queue has those that never
 * were.
 */
import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { AlarmRow } from './alarms.ts';
import { KEPT_DAYS } from './dead-letters.ts';
import type { Trigger } from './trigger.ts';

const PERIOD = Duration.minutes(15);

/** An upload starts within seconds, sometimes a minute: this long means that somebody holds starts back. */
const LATE = Duration.minutes(15);
/** Days in the queue that leave time to look before the event is gone. */
const OLD = Duration.days(KEPT_DAYS - 4);

/** Part of its timeout that a stage may take before somebody should hear of it. */
const NEAR = 0.8;

const delivery = (rule: Trigger['rule'], metricName: string, statistic: string): Metric =>
  // Of a rule on the default bus, which is where S3 announces.
  new Metric({
    namespace: 'AWS/Events',
    metricName,
    dimensionsMap: { RuleName: rule.ruleName },
    statistic,
    period: PERIOD,
  });

/** Milliseconds from the announcement of the upload that waited longest to the start of its execution. */
export const startLatency = ({ rule }: Pick<Trigger, 'rule'>): Metric =>
  delivery(rule, 'IngestionToInvocationSuccessLatency', 'Maximum');

/** Three ages of the oldest event: when it came, while it waits to be looked at, and when it is lost. */
export const oldestEvent = (trigger: Trigger): Readonly<Record<string, AlarmRow>> => ({
  UploadStartedLate: {
    metric: startLatency(trigger),
    threshold: LATE.toMilliseconds(),
    description: `An upload waited ${LATE.toMinutes()} minutes to be started; look for throttled executions.`,
  },
  UploadForgotten: {
    metric: trigger.undelivered.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', period: PERIOD }),
    threshold: OLD.toSeconds(),
    description: `An event is in the dead-letter queue since ${OLD.toDays()} of ${KEPT_DAYS} days; start it by hand.`,
  },
  UploadLost: {
    metric: delivery(trigger.rule, 'InvocationsFailedToBeSentToDlq', 'Sum'),
    description: 'An event could neither be delivered nor kept; start uploads without results by hand.',
  },
});

/** The 95th percentile of each function against its timeout. */
export const nearTimeout = (functions: Readonly<Record<string, LambdaFunction>>): Readonly<Record<string, AlarmRow>> =>
  Object.fromEntries(
    Object.entries(functions).map(([stage, each]): [string, AlarmRow] => {
      const timeout = each.timeout!;
      const long = `${NEAR * 100} % of ${timeout.toSeconds()} s`;
      return [
        `${idOf(stage)}NearTimeout`,
        {
          metric: each.metricDuration({ statistic: 'p95', period: PERIOD }),
          threshold: NEAR * timeout.toMilliseconds(),
          description: `One run in twenty takes ${long} or more; give it more memory, or smaller models.`,
        },
      ];
    }),
  );

/** `quantize, large` to `QuantizeLarge`. */
const idOf = (stage: string): string => stage.replace(/(?:^|\W+)(\w)/g, (_, letter: string) => letter.toUpperCase());
