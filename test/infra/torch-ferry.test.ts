/** The construct in a stack of somebody else: with buckets that are given, twice, and with props that are not valid. */
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { ferryStateMachine } from '../../shared/pipeline/machine/state-machine.ts';
import { describe, expect, it } from 'vitest';
import { type TorchFerryProps, TorchFerry } from '../../infra/torch-ferry.ts';
import { allowed, ofType, short, type Synthesized, type Untyped } from './synthesize.ts';

/** None of the flags that cdk.json sets: another app has its own. */
const emptyStack = (): Stack => new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Theirs');

const resourcesOf = (stack: Stack): Synthesized['resources'] => Template.fromStack(stack).toJSON()['Resources'];
const idsOf = (stack: Stack, type: string): string[] =>
  ofType(resourcesOf(stack), type).map(([id]) => id.replace(/[0-9A-F]{8}$/, ''));

describe('buckets that are given', () => {
  const stack = emptyStack();
  const key = new Key(stack, 'Key');
  const models = new Bucket(stack, 'Models', { versioned: true });
  const results = new Bucket(stack, 'Results', { encryption: BucketEncryption.KMS, encryptionKey: key });
  const ferry = new TorchFerry(stack, 'Ferry', {
    inputBucket: models,
    outputBucket: results,
    workBucket: Bucket.fromBucketName(stack, 'Work', 'their-work'),
  });
  const resources = resourcesOf(stack);

  it('are taken instead of new ones, and nothing is logged to a bucket of ours', () => {
    expect(ferry.inputBucket).toBe(models);
    expect(idsOf(stack, 'AWS::S3::Bucket')).toEqual(['Models', 'Results']);
  });

  it('start a conversion: their uploads are announced, and the rule knows them', () => {
    expect(JSON.stringify(ofType(resources, 'Custom::S3BucketNotifications'))).toContain('EventBridgeConfiguration');
    const [[, rule]] = ofType(resources, 'AWS::Events::Rule') as [[string, Untyped]];
    expect(rule.Properties.EventPattern.detail.bucket.name).toEqual([{ Ref: expect.stringMatching(/^Models/) }]);
  });

  it('are what stages may touch, with the key of the one that has a key', () => {
    const convert = allowed(resources, /^FerryConvertFunctionRole/);
    expect(convert).toContain('s3:GetObject <Models.Arn>/*');
    // They may have versions, which are read by their ids.
    for (const resource of ['<Models.Arn>/*', 'arn:<AWS::Partition>:s3:::their-work/jobs/*'])
      expect(convert).toContain(`s3:GetObjectVersion ${resource}`);
    expect(allowed(resources, /^FerryValidateFunctionRole/)).toContain('s3:GetObjectVersion <Results.Arn>/*');
    expect(convert).toContain('s3:PutObject <Results.Arn>/*');
    expect(convert).toContain('s3:PutObject arn:<AWS::Partition>:s3:::their-work/jobs/*');
    expect(convert).toContain('kms:GenerateDataKey <Key.Arn>');
    expect(allowed(resources, /^FerryReleaseFunctionRole/).join()).not.toContain('kms:');
  });

  it('bring no finding that is ours', () => {
    const findings = new AwsSolutionsChecks(stack).validateScope(stack).violations;
    const found = findings.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(
        (resource) => [ruleName, (resource as { constructPath?: string }).constructPath!] as const,
      ),
    );
    expect(found.some(([rule, path]) => rule === 'AwsSolutions-S1' && path.startsWith('Theirs/Models'))).toBe(true);
    expect(found.filter(([, path]) => path.startsWith('Theirs/Ferry/'))).toEqual([]);
  });
});

describe('a prefix of a bucket that others use too', () => {
  const stack = emptyStack();
  const inputBucket = new Bucket(stack, 'Shared', { versioned: true });
  new TorchFerry(stack, 'Ferry', { inputBucket, inputPrefix: 'models/', malwareProtection: true });
  const resources = resourcesOf(stack);

  it('is all that may be read of it', () => {
    const reads = allowed(resources, /^Ferry/).filter((line) => line.includes('<Shared.Arn>/'));
    expect(reads.length).toBeGreaterThan(5);
    const check = 'malware-protection-resource-validation-object';
    expect(reads.filter((line) => !line.endsWith('/models/*') && !line.endsWith(check))).toEqual([]);
  });

  it('is all that is scanned, and told to the machine, with the prefix of batches below it', () => {
    const [[, plan]] = ofType(resources, 'AWS::GuardDuty::MalwareProtectionPlan') as [[string, Untyped]];
    expect(plan.Properties.ProtectedResource.S3Bucket.ObjectPrefixes).toEqual(['models/']);
    const [, machine] = ofType(resources, 'AWS::StepFunctions::StateMachine').find(([id]) =>
      id.includes('Conversion'),
    )!;
    const told = ferryStateMachine({ inputPrefix: 'models/', batchPrefix: 'models/batch/' });
    expect(JSON.parse(machine.Properties['DefinitionString'])).toEqual(JSON.parse(JSON.stringify(told)));
  });

  it('is all that its rules of the bucket are about', () => {
    const [[, policy]] = ofType(resources, 'AWS::S3::BucketPolicy').filter(([id]) => id.startsWith('Shared')) as [
      [string, Untyped],
    ];
    const statements = policy.Properties.PolicyDocument.Statement as { readonly Resource: unknown }[];
    expect(statements.map(({ Resource }) => short(Resource))).toEqual([
      '<Shared.Arn>/models/*',
      '<Shared.Arn>/models/*',
    ]);
  });
});

it('takes a bucket that is imported, and one of another stack', () => {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const [data, stack] = [new Stack(app, 'Data'), new Stack(app, 'Theirs')];
  const inputBucket = Bucket.fromBucketName(stack, 'Imported', 'their-models');
  new TorchFerry(stack, 'Ferry', { inputBucket, outputBucket: new Bucket(data, 'Results') });
  const resources = resourcesOf(stack);
  // What is there of notifications already stays.
  const [[, notifications]] = ofType(resources, 'Custom::S3BucketNotifications') as [[string, Untyped]];
  expect(notifications.Properties).toMatchObject({
    BucketName: 'their-models',
    NotificationConfiguration: { EventBridgeConfiguration: {} },
    Managed: false,
  });
  const text = JSON.stringify(ofType(resources, 'AWS::IAM::Policy').filter(([id]) => id.includes('Convert')));
  expect(text).toContain('"Fn::ImportValue":"Data:ExportsOutputFnGetAttResults');
});

describe('what others hear', () => {
  const stack = emptyStack();
  const alarmTopic = new Topic(stack, 'Pager');
  const ferry = new TorchFerry(stack, 'Ferry', { alarmTopic, eventBus: new EventBus(stack, 'Bus') });
  ferry.onCompleted('Done', { target: new SqsQueue(new Queue(stack, 'Models')) });
  ferry.onFailed('Lost', { eventPattern: { detail: { failure: { error: ['AccessDenied'] } } } });
  const resources = resourcesOf(stack);

  it('is every alarm that is sent, at the topic that is given', () => {
    const alarms = ofType(resources, 'AWS::CloudWatch::Alarm');
    expect(alarms.length).toBeGreaterThan(5);
    for (const [id, { Properties }] of alarms) {
      const actions = id.includes('UploadRefused') ? [] : [{ Ref: expect.stringMatching(/^Pager/) as string }];
      expect(Properties['AlarmActions'] ?? [], id).toEqual(actions);
    }
  });

  it.each([
    ['FerryDone', { 'detail-type': ['model.conversion.completed'] }],
    ['FerryLost', { 'detail-type': ['model.conversion.failed'], detail: { failure: { error: ['AccessDenied'] } } }],
  ])('is the events of its own conversions: %s', (id, pattern) => {
    const [, { Properties }] = ofType(resources, 'AWS::Events::Rule').find(([each]) => each.startsWith(id))!;
    const machine = [{ Ref: expect.stringMatching(/^FerryConversionStateMachine/) as string }];
    expect(Properties['EventPattern']).toEqual({ source: ['torchferry'], resources: machine, ...pattern });
    expect(short(Properties['EventBusName'])).toBe('<Bus>');
    expect(Properties['Targets']?.length ?? 0).toBe(id === 'FerryDone' ? 1 : 0);
  });
});

it('stands in one stack twice, with names of their own', () => {
  const stack = emptyStack();
  new TorchFerry(stack, 'Vision');
  new TorchFerry(stack, 'Text', { architecture: Architecture.X86_64 });
  const machines = idsOf(stack, 'AWS::StepFunctions::StateMachine');
  expect(machines).toEqual(
    ['Vision', 'Text'].flatMap((id) => [`${id}ConversionStateMachine`, `${id}BatchStateMachine`]),
  );
  const groups = ofType(resourcesOf(stack), 'AWS::Logs::LogGroup').flatMap(
    ([, { Properties }]) => (Properties['LogGroupName'] as string | undefined) ?? [],
  );
  expect(new Set(groups).size).toBe(4);
});

describe('refuses', () => {
  it.each<[keyof TorchFerryProps, TorchFerryProps, string, string]>([
    ['memoryMb', { memoryMb: 100 }, '100', 'a whole number from 512 to 10240'],
    ['workRetentionDays', { workRetentionDays: 7 }, '7', 'a whole number from 14 to 3650'],
    ['batchPrefix', { batchPrefix: 'later' }, 'later', 'the start of keys, ending in "/", or nothing'],
    ['batchPrefix', { inputPrefix: 'a/', batchPrefix: 'b/' }, 'b/', 'the start of keys below inputPrefix, "a/"'],
    ['architecture', { architecture: Architecture.custom('riscv') }, 'riscv', 'arm64 or x86_64'],
  ])('%s', (option, props, value, expected) => {
    expect(() => new TorchFerry(emptyStack(), 'Ferry', props)).toThrow(
      expect.objectContaining({ code: 'BadOption', details: { option, value, expected } }),
    );
  });

  it('one bucket for models and results, where every result would be converted again', () => {
    const stack = emptyStack();
    const bucket = new Bucket(stack, 'All');
    expect(() => new TorchFerry(stack, 'Ferry', { inputBucket: bucket, outputBucket: bucket })).toThrow(
      expect.objectContaining({ code: 'BadOption' }),
    );
  });
});
