/**
 * `import { TorchFerry } from 'torchferry/cdk'`: the deployment as a construct, for any stack. A list: buckets, a
 * function for each stage, two machines, what starts them, what watches them.
 */
import type { Alarm, Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import { EventBus, type IEventBus, type OnEventOptions, Rule } from 'aws-cdk-lib/aws-events';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { STAGE_NAMES, type StageName } from '../shared/pipeline/machine/stages.ts';
import { EVENT_SOURCE, type EventType } from '../shared/pipeline/machine/task.ts';
import { alarms } from './alarms.ts';
import { ferryBuckets } from './buckets.ts';
import { dashboard } from './dashboard.ts';
import { letLogsUse } from './encryption.ts';
import { fargateTasks } from './fargate.ts';
import { batchMachine, conversionMachine } from './machine.ts';
import { malwareProtection } from './malware-protection.ts';
import { settingsOf, type TorchFerryProps } from './props.ts';
import { resultTopic } from './results.ts';
import { stageFunction, STAGES_OF_TWO_SIZES } from './stage-function.ts';
import { uploadTrigger } from './trigger.ts';

export type { TorchFerryProps } from './props.ts';

/** Models that are uploaded to a bucket become validated ONNX models and reports in another. */
export class TorchFerry extends Construct {
  /** Upload models here. */
  readonly inputBucket: IBucket;
  /** ONNX models and reports appear here. */
  readonly outputBucket: IBucket;
  /** Claims and facts of jobs: what `torchferry status` reads. */
  readonly workBucket: IBucket;
  /** Converts one model: `{ bucket, key }`. */
  readonly conversionMachine: StateMachine;
  /** Converts many: `{ bucket, manifest }` or `{ bucket, prefix }`. */
  readonly batchMachine: StateMachine;
  /** Where results are announced. */
  readonly eventBus: IEventBus;
  /** Uploads that started nothing. */
  readonly undeliveredEvents: IQueue;
  /** Where `results` are sent. */
  readonly resultTopic?: ITopic;
  readonly alarms: readonly Alarm[];
  readonly dashboard: Dashboard;

  /** Fails with BadOption when a prop is not valid. */
  constructor(scope: Construct, id: string, props: TorchFerryProps = {}) {
    super(scope, id);
    // The one flag that its buckets need, whatever the app around it has chosen.
    this.node.setContext('@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy', true);
    const settings = settingsOf(props);
    const { encryptionKey, results } = settings;
    if (encryptionKey) letLogsUse(encryptionKey);

    const buckets = ferryBuckets(this, settings);
    // Object.fromEntries forgets the keys; they are the names of the stages.
    const functions = Object.fromEntries(
      STAGE_NAMES.map((name) => [name, stageFunction(this, name, { buckets, settings })]),
    ) as Record<StageName, LambdaFunction>;
    const large =
      settings.largeMemoryMb === undefined
        ? []
        : STAGES_OF_TWO_SIZES.map(
            (name) => [name, stageFunction(this, name, { buckets, settings, size: 'large' })] as const,
          );
    const largeFunctions = new Map(large);
    const eventBus =
      (settings.eventBus as IEventBus | undefined) ?? EventBus.fromEventBusName(this, 'EventBus', 'default');

    const fargate = settings.fargateMemoryMb === undefined ? null : fargateTasks(this, { buckets, settings });

    const parts = { functions, largeFunctions, fargate, buckets, eventBus, settings };
    const conversion = conversionMachine(this, parts);
    const batch = batchMachine(this, parts, conversion);
    const { malwareProtection: isScanned } = settings;
    if (isScanned) malwareProtection(this, buckets);
    const trigger = uploadTrigger(this, { input: buckets.input, machine: conversion, malwareProtection: isScanned });

    const both = { ...functions, ...Object.fromEntries(large.map(([stage, each]) => [`${stage}, large`, each])) };
    const machines = [conversion, batch];
    const sent = results && resultTopic(this, { which: results, key: encryptionKey, eventBus, machines });
    const watched = { conversion, batch, functions: both, trigger, results: sent };

    this.inputBucket = buckets.input;
    this.outputBucket = buckets.output;
    this.workBucket = buckets.work;
    this.conversionMachine = conversion;
    this.batchMachine = batch;
    this.eventBus = eventBus;
    this.undeliveredEvents = trigger.undelivered;
    if (sent) this.resultTopic = sent.topic;
    this.alarms = alarms(this, watched, {
      email: settings.alarmEmail,
      topic: settings.alarmTopic as ITopic | undefined,
      key: encryptionKey,
    });
    this.dashboard = dashboard(this, watched, this.alarms);
  }

  /** A rule for the conversions that end with models, and what happens then. */
  onCompleted(id: string, options: OnEventOptions = {}): Rule {
    return this.#onConversion('model.conversion.completed', id, options);
  }

  /** A rule for the conversions that fail, and what happens then. */
  onFailed(id: string, options: OnEventOptions = {}): Rule {
    return this.#onConversion('model.conversion.failed', id, options);
  }

  #onConversion(type: EventType, id: string, { target, eventPattern, ...options }: OnEventOptions): Rule {
    const rule = new Rule(this, id, { ...options, eventBus: this.eventBus });
    rule.addTarget(target);
    // Step Functions names the machine; another deployment on the same bus has another.
    const resources = [this.conversionMachine.stateMachineArn];
    rule.addEventPattern({ source: [EVENT_SOURCE], detailType: [type], resources });
    if (eventPattern) rule.addEventPattern(eventPattern);
    return rule;
  }
}
