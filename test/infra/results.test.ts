/** Results to subscribers: which, of which deployment, and by what policies EventBridge may send them. */
import { describe, expect, it } from 'vitest';
import { EVENT_SOURCE } from '../../shared/pipeline/machine/task.ts';
import { ofType, short, type Synthesized, synthesize, type Untyped } from './synthesize.ts';

type Resources = Synthesized['resources'];
const one = (resources: Resources, type: string, id: string): Untyped =>
  ofType(resources, type).find(([name]) => name.replace(/[0-9A-F]{8}$/, '') === id)?.[1].Properties;

it('are sent to nobody where nobody asked', () => {
  const { resources, template } = synthesize();
  template.resourceCountIs('AWS::SNS::Topic', 0);
  template.resourceCountIs('AWS::SQS::Queue', 1);
  expect(one(resources, 'AWS::CloudWatch::Alarm', 'ResultNotSent')).toBeUndefined();
});

it.each([
  ['all', ['model.batch.completed', 'model.batch.failed', 'model.conversion.completed', 'model.conversion.failed']],
  ['completed', ['model.batch.completed', 'model.conversion.completed']],
  ['failed', ['model.batch.failed', 'model.conversion.failed']],
])('are %s', (results, types) => {
  const rule = one(synthesize({ results }).resources, 'AWS::Events::Rule', 'ResultAnnounced');
  expect(rule.EventPattern['detail-type'].toSorted()).toEqual(types);
});

describe('the topic', () => {
  const { resources, template } = synthesize({ results: 'all', eventBus: 'models' });
  const rule = one(resources, 'AWS::Events::Rule', 'ResultAnnounced');
  const statements = one(resources, 'AWS::SNS::TopicPolicy', 'ResultsPolicy').PolicyDocument.Statement as Untyped[];

  it('hears of the machines of this deployment, on the bus where they announce', () => {
    expect(rule.EventBusName).toBe('models');
    expect(rule.EventPattern.source).toEqual([EVENT_SOURCE]);
    expect(rule.EventPattern.resources.map(short)).toEqual(['<ConversionStateMachine>', '<BatchStateMachine>']);
  });

  it('lets EventBridge publish, beside the rule that asks for TLS', () => {
    expect(statements.map(({ Effect, Action, Principal }) => [Effect, Action, Principal])).toEqual([
      ['Deny', 'sns:Publish', '*'],
      ['Allow', 'sns:Publish', { Service: 'events.amazonaws.com' }],
    ]);
    for (const { Resource } of statements) expect(short(Resource)).toBe('<Results>');
    // A role is not used for SNS, and delivery under a key may fail with one.
    expect(rule.Targets[0]).not.toHaveProperty('RoleArn');
  });

  it('is encrypted with a key that EventBridge may use, which goes with it', () => {
    expect(short(one(resources, 'AWS::SNS::Topic', 'Results').KmsMasterKeyId)).toBe('<ResultTopicKey.Arn>');
    const [[, key]] = ofType(resources, 'AWS::KMS::Key') as [[string, Resources[string]]];
    expect(key.DeletionPolicy).toBe('Delete');
    expect(key.Properties['KeyPolicy'].Statement.slice(1)).toEqual([
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        Principal: { Service: 'events.amazonaws.com' },
        Resource: '*',
      },
    ]);
  });

  it('loses nothing: what could not be sent waits, and somebody hears of it', () => {
    expect(short(rule.Targets[0].DeadLetterConfig.Arn)).toBe('<UnsentResults.Arn>');
    const alarm = one(resources, 'AWS::CloudWatch::Alarm', 'ResultNotSent');
    expect(short(alarm.Dimensions[0].Value)).toBe('<UnsentResults.QueueName>');
  });

  it('is named in the outputs', () => {
    const outputs = template.toJSON()['Outputs'] as Record<string, Untyped>;
    expect(short(outputs['ResultTopicArn'].Value)).toBe('<Results>');
  });
});
