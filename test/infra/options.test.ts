/** What a deployment can choose, and what it is told when the choice is none. */
import { App, Stack } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { readOptions } from '../../infra/options.ts';
import { STAGES } from '../../shared/pipeline/machine/stages.ts';
import { allowed, ofType, synthesize, type Untyped } from './synthesize.ts';

describe('options', () => {
  it('have none that is set', () => expect(readOptions(new Stack(new App()))).toEqual({}));

  it.each([
    ['architecture', 'arm', 'arm64 or x86_64'],
    ['memoryMb', '100', 'a whole number from 512 to 10240'],
    ['largeMemoryMb', '3008', 'a whole number from 3009 to 10240'],
    ['fargateMemoryMb', '20000', 'one of 16384, 30720, 61440, 122880'],
    ['fargateVpc', 'vpc-0a1b2c3d', 'a VPC and its private subnets, "vpc-ID:subnet-ID,subnet-ID"'],
    ['reservedConcurrency', '1.5', 'a whole number from 1 to 1000'],
    ['logRetentionDays', '31', 'one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653'],
    ['workRetentionDays', '7', 'a whole number from 14 to 3650'],
    ['eventBus', 'two words', 'the name of an event bus'],
    ['alarmEmail', 'me', 'an e-mail address'],
    ['inputPrefix', '/', 'the start of keys, ending in "/", or nothing'],
    ['batchPrefix', 'later', 'the start of keys, ending in "/", or nothing'],
    ['batchPrefix', '"/', 'the start of keys, ending in "/", or nothing'],
    ['encryptionKey', 'alias/mine', '"own" or the ARN of a KMS key'],
    ['results', 'some', 'all or completed or failed'],
    ['malwareProtection', 'yes', 'true or false'],
  ])('%s is not "%s"', (option, value, expected) => {
    const stack = new Stack(new App({ context: { [option]: value } }));
    expect(() => readOptions(stack)).toThrow(
      expect.objectContaining({ code: 'BadOption', details: { option, value, expected } }),
    );
  });
});

describe('a deployment with functions of two sizes', () => {
  const { template, resources } = synthesize({ largeMemoryMb: '10240' });

  it('has a second one of each stage that takes more for a larger model', () => {
    const sizes = ofType(resources, 'AWS::Lambda::Function').map(([id, { Properties }]) => [
      id.replace(/Function[0-9A-F]{8}$/, ''),
      Properties['MemorySize'],
    ]);
    expect(sizes.slice(-2)).toEqual([
      ['QuantizeLarge', 10_240],
      ['ValidateLarge', 10_240],
    ]);
  });

  it('lets the machine choose between them, and invoke both', () => {
    const [[, machine]] = ofType(resources, 'AWS::StepFunctions::StateMachine').filter(([id]) =>
      id.startsWith('Conversion'),
    ) as [[string, Untyped]];
    const definition = machine.Properties.DefinitionString as string;
    expect(definition).toContain('$tier = \\"large\\" ? \\"${ValidateLargeFunction}\\" : \\"${ValidateFunction}\\"');
    expect(Object.keys(machine.Properties.DefinitionSubstitutions as object)).toContain('ValidateLargeFunction');
    const named = JSON.parse(definition).States.Claim.Arguments.Payload.tiers as Untyped[];
    expect(named.map(({ name, memoryMb }) => [name, memoryMb])).toEqual([
      ['standard', STAGES.validate.memoryMb],
      ['large', 10_240],
    ]);
    expect(allowed(resources, /^ConversionRole/).filter((line) => line.includes('LargeFunction'))).toEqual([
      'lambda:InvokeFunction <QuantizeLargeFunction.Arn>',
      'lambda:InvokeFunction <ValidateLargeFunction.Arn>',
    ]);
    template.resourceCountIs('AWS::Lambda::Function', 10);
  });
});

describe('a deployment', () => {
  const { template, resources } = synthesize({
    architecture: 'x86_64',
    memoryMb: '8192',
    reservedConcurrency: '5',
    logRetentionDays: '90',
    workRetentionDays: '60',
    eventBus: 'models',
    alarmEmail: 'me@example.org',
  });

  it('gives the memory and the limit to the functions that hold a model', () => {
    const sizes = ofType(resources, 'AWS::Lambda::Function').map(([id, { Properties }]) => [
      id.replace(/Function[0-9A-F]{8}$/, ''),
      Properties['MemorySize'],
      Properties['ReservedConcurrentExecutions'],
    ]);
    expect(sizes).toEqual([
      ['Claim', STAGES.claim.memoryMb, undefined],
      ['Convert', 8192, 5],
      ['Quantize', 8192, 5],
      ['Validate', 8192, 5],
      ['Report', STAGES.report.memoryMb, undefined],
      ['Release', STAGES.release.memoryMb, undefined],
      ['BatchPlan', STAGES.batchPlan.memoryMb, undefined],
      ['BatchReport', STAGES.batchReport.memoryMb, undefined],
    ]);
    template.allResourcesProperties('AWS::Lambda::Function', { Architectures: ['x86_64'] });
  });

  it('announces on the chosen bus', () => {
    template.allResourcesProperties('AWS::StepFunctions::StateMachine', {
      DefinitionSubstitutions: { EventBus: 'models' },
    });
  });

  it('writes alarms to whoever wants them', () => {
    template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'me@example.org' });
    const topic = [{ Ref: expect.stringMatching(/^Alarms/) as string }];
    for (const [id, { Properties }] of ofType(resources, 'AWS::CloudWatch::Alarm'))
      expect(Properties['AlarmActions'], id).toEqual(id.startsWith('UploadRefused') ? undefined : topic);
  });

  it('lets CloudWatch publish them, beside the rule that asks for TLS', () => {
    const [[, policy]] = ofType(resources, 'AWS::SNS::TopicPolicy') as [[string, Untyped]];
    const statements = policy.Properties.PolicyDocument.Statement as Untyped[];
    expect(
      statements.map(({ Effect, Action, Principal, Condition }) => [Effect, Action, Principal, Condition]),
    ).toEqual([
      ['Deny', 'sns:Publish', '*', { Bool: { 'aws:SecureTransport': 'false' } }],
      [
        'Allow',
        'sns:Publish',
        { Service: 'cloudwatch.amazonaws.com' },
        { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      ],
    ]);
  });
});
