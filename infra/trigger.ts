/**
 * From an upload to an execution: a rule for model names in any case, and a queue for the events that could not be
 * delivered.
 */
import { Duration } from 'aws-cdk-lib';
import { type EventPattern, Match, Rule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { DATA_SUFFIXES, MODEL_SUFFIXES } from '../shared/formats/table.ts';
import { scanPattern } from './malware-protection.ts';
import { deadLetters } from './dead-letters.ts';

export interface Trigger {
  readonly rule: Rule;
  readonly undelivered: Queue;
}

interface Triggered {
  readonly input: IBucket;
  readonly machine: StateMachine;
  /** Whether uploads are scanned first. */
  readonly malwareProtection: boolean;
}

const SUFFIXES = [...MODEL_SUFFIXES, ...DATA_SUFFIXES];

const uploadPattern = (input: IBucket): EventPattern => ({
  source: ['aws.s3'],
  detailType: ['Object Created'],
  detail: {
    // No loop: results go to another bucket, and no function may write to this one.
    bucket: { name: [input.bucketName] },
    // Every way to upload, so no word on `reason`; every spelling, MODEL.PT2 too.
    object: { key: SUFFIXES.flatMap((suffix) => Match.suffixEqualsIgnoreCase(suffix)) },
  },
});

export function uploadTrigger(scope: Construct, { input, machine, malwareProtection }: Triggered): Trigger {
  const undelivered = deadLetters(scope, 'UndeliveredEvents');
  const rule = new Rule(scope, 'ModelUploaded', {
    description: 'A model was uploaded to the input bucket, or a file that one may wait for',
    eventPattern: malwareProtection ? scanPattern(input, SUFFIXES) : uploadPattern(input),
  });
  rule.addTarget(
    new SfnStateMachine(machine, { deadLetterQueue: undelivered, maxEventAge: Duration.hours(24), retryAttempts: 185 }),
  );
  return { rule, undelivered };
}
