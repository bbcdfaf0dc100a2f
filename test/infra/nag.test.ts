/** The AwsSolutions rules hold: every exception is named with its reason, and a new one is seen. */
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, it } from 'vitest';
import { synthesize, type Synthesized } from './synthesize.ts';

const findings = ({ app }: Synthesized): string[] =>
  new AwsSolutionsChecks(app).validateScope(app).violations.map(({ ruleName }) => ruleName);

it.each([
  ['as it comes', {}],
  [
    'with everything chosen',
    {
      fargateMemoryMb: '122880',
      alarmEmail: 'me@example.org',
      largeMemoryMb: '10240',
      encryptionKey: 'arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012',
      eventBus: 'models',
      results: 'all',
      malwareProtection: 'true',
    },
  ],
  ['with a key of its own', { encryptionKey: 'own', results: 'failed' }],
])('finds nothing %s', (_, chosen) => expect(findings(synthesize(chosen))).toEqual([]));

it('finds a bucket without the house rules, and a wider grant', () => {
  const made = synthesize();
  new Bucket(made.stack, 'Careless');
  (made.stack.ferry.node.findChild('ConvertFunctionRole') as Role).addToPolicy(
    new PolicyStatement({ actions: ['s3:*'], resources: ['arn:aws:s3:::other/*'] }),
  );
  expect(findings(made)).toEqual(
    expect.arrayContaining([
      'AwsSolutions-S1',
      'AwsSolutions-S10',
      'AwsSolutions-IAM5[Action::s3:*]',
      'AwsSolutions-IAM5[Resource::arn:aws:s3:::other/*]',
    ]),
  );
});
