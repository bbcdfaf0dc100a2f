/** The deployment as a stack of its own: what the CDK context chooses goes in, names to work with come out. */
import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { readOptions } from './options.ts';
import { TorchFerry } from './torch-ferry.ts';

export class FerryStack extends Stack {
  readonly ferry: TorchFerry;

  /** Fails with BadOption. */
  constructor(scope: Construct, id: string) {
    super(scope, id, { description: 'torchferry: PyTorch models in, validated ONNX models and reports out' });
    // Default, so that the names of resources begin with what they are.
    this.ferry = new TorchFerry(this, 'Default', readOptions(this));

    const { ferry } = this;
    const outputs = {
      InputBucketName: [ferry.inputBucket.bucketName, 'Upload models here'],
      OutputBucketName: [ferry.outputBucket.bucketName, 'ONNX models and reports appear here'],
      WorkBucketName: [ferry.workBucket.bucketName, 'Claims and facts of jobs: what "torchferry status" reads'],
      ConversionStateMachineArn: [
        ferry.conversionMachine.stateMachineArn,
        'Start it by hand with { "bucket": ..., "key": ... }: it takes over a job that failed',
      ],
      BatchStateMachineArn: [
        ferry.batchMachine.stateMachineArn,
        'Start it with { "bucket": ..., "manifest": ... } or { "bucket": ..., "prefix": ... }',
      ],
      UndeliveredEventsUrl: [ferry.undeliveredEvents.queueUrl, 'Uploads that started nothing'],
      ...(ferry.resultTopic && { ResultTopicArn: [ferry.resultTopic.topicArn, 'Subscribe to results'] }),
      DashboardName: [ferry.dashboard.dashboardName, 'CloudWatch dashboard'],
    } as const;
    for (const [name, [value, description]] of Object.entries(outputs))
      new CfnOutput(this, name, { value, description });
  }
}
