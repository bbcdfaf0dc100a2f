/** Results to whoever subscribes: a topic for the events of one deployment. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { EVENT_SOURCE, type EventType } from '../shared/pipeline/machine/task.ts';
import { deadLetters } from './dead-letters.ts';
import { letPublisherUse, ownKey } from './encryption.ts';

const COMPLETED: readonly EventType[] = ['model.conversion.completed', 'model.batch.completed'];
const FAILED: readonly EventType[] = ['model.conversion.failed', 'model.batch.failed'];

/** Which results are sent. */
export const RESULTS = {
  all: [...COMPLETED, ...FAILED],
  completed: COMPLETED,
  failed: FAILED,
} as const satisfies Record<string, readonly EventType[]>;
export type Results = keyof typeof RESULTS;

interface Announced {
  readonly which: Results;
  /** undefined: the topic gets one of its own, because EventBridge may not use the one that SNS has. */
  readonly key: IKey | undefined;
  readonly eventBus: IEventBus;
  readonly machines: readonly StateMachine[];
}

export interface ResultTopic {
  readonly topic: ITopic;
  /** Results that could not be sent. */
  readonly unsent: Queue;
}

export function resultTopic(scope: Construct, { which, key, eventBus, machines }: Announced): ResultTopic {
  const masterKey = key ?? keyOfTopic(scope);
  letPublisherUse(masterKey, 'events.amazonaws.com');
  const topic = new Topic(scope, 'Results', { displayName: 'torchferry results', masterKey, enforceSSL: true });
  const rule = new Rule(scope, 'ResultAnnounced', {
    description: 'A conversion or a batch ended',
    eventBus,
    eventPattern: {
      source: [EVENT_SOURCE],
      detailType: [...RESULTS[which]],
      // Step Functions names the machine; another deployment on the same bus has others.
      resources: machines.map(({ stateMachineArn }) => stateMachineArn),
    },
  });
  // Allows EventBridge in the policy of the topic, beside the Deny of what is not TLS: it takes no role for SNS, and no
  // condition. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
  const unsent = deadLetters(scope, 'UnsentResults');
  rule.addTarget(new SnsTopic(topic, { deadLetterQueue: unsent, maxEventAge: Duration.hours(24) }));
  return { topic: topic as ITopic, unsent };
}

export const notSent = ({ unsent }: ResultTopic): Metric =>
  unsent.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5), statistic: 'Maximum' });

/** Goes with the topic: messages are stored until they are sent, and no longer. */
function keyOfTopic(scope: Construct): IKey {
  const key = ownKey(scope, 'ResultTopicKey');
  key.applyRemovalPolicy(RemovalPolicy.DESTROY);
  return key;
}
