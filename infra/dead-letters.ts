/** A queue for the events that could not be delivered, kept until somebody has looked at them. */
import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge } from './nag.ts';

/** As long as SQS can. */
export const KEPT_DAYS = 14;

/** Under a key of SQS, whatever the rest is under: what goes wrong with another key must not be lost for it. */
export function deadLetters(scope: Construct, id: string): Queue {
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(KEPT_DAYS),
  });
  acknowledge(queue, { 'AwsSolutions-SQS3': 'it is the dead-letter queue itself' });
  return queue;
}
