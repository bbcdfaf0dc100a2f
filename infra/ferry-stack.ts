/** The deployment, as a list: buckets, a function for each stage, two machines, what starts them, what watches them. */
import { CfnOutput, Stack } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { STAGE_NAMES, type StageName } from '../shared/pipeline/machine/stages.ts';
import { alarms } from './alarms.ts';
import { ferryBuckets } from './buckets.ts';
import { dashboard } from './dashboard.ts';
import { batchMachine, conversionMachine } from './machine.ts';
import type { DeploymentOptions } from './options.ts';
import { stageFunction, STAGES_OF_TWO_SIZES } from './stage-function.ts';
import { uploadTrigger } from './trigger.ts';

export class FerryStack extends Stack {
  constructor(scope: Construct, id: string, options: DeploymentOptions) {
    super(scope, id, { description: 'torchferry: PyTorch models in, validated ONNX models and reports out' });

    const buckets = ferryBuckets(this, options);
    // Object.fromEntries forgets the keys; they are the names of the stages.
    const functions = Object.fromEntries(
      STAGE_NAMES.map((name) => [name, stageFunction(this, name, { buckets, options })]),
    ) as Record<StageName, LambdaFunction>;
    const large =
      options.largeMemoryMb === null
        ? []
        : STAGES_OF_TWO_SIZES.map(
            (name) => [name, stageFunction(this, name, { buckets, options, size: 'large' })] as const,
          );
    const largeFunctions = new Map(large);
    const eventBus = EventBus.fromEventBusName(this, 'EventBus', options.eventBus);

    const parts = { functions, largeFunctions, buckets, eventBus, options };
    const conversion = conversionMachine(this, parts);
    const batch = batchMachine(this, parts, conversion);
    const trigger = uploadTrigger(this, buckets.input, conversion);

    const both = { ...functions, ...Object.fromEntries(large.map(([stage, each]) => [`${stage}, large`, each])) };
    const watched = { conversion, batch, functions: both, trigger };
    const board = dashboard(this, watched, alarms(this, watched, options.alarmEmail));

    const outputs = {
      InputBucketName: [buckets.input.bucketName, 'Upload models here'],
      OutputBucketName: [buckets.output.bucketName, 'ONNX models and reports appear here'],
      WorkBucketName: [buckets.work.bucketName, 'Claims and facts of jobs: what "torchferry status" reads'],
      ConversionStateMachineArn: [
        conversion.stateMachineArn,
        'Start it by hand with { "bucket": ..., "key": ... }: it takes over a job that failed',
      ],
      BatchStateMachineArn: [
        batch.stateMachineArn,
        'Start it with { "bucket": ..., "manifest": ... } or { "bucket": ..., "prefix": ... }',
      ],
      UndeliveredEventsUrl: [trigger.undelivered.queueUrl, 'Uploads that started nothing'],
      DashboardName: [board.dashboardName, 'CloudWatch dashboard'],
    } as const;
    for (const [name, [value, description]] of Object.entries(outputs))
      new CfnOutput(this, name, { value, description });
  }
}
