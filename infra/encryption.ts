/**
 * A customer managed key: which services must be able to use it, beside the roles that grants.ts lets use it. A key
 * that is only named keeps its policy; docs/aws.md says what it must allow.
 */
import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

/** Kept when the stack goes, as the buckets are: without it what lies there could not be read. */
export const ownKey = (scope: Construct, id = 'EncryptionKey'): Key =>
  new Key(scope, id, {
    description: 'torchferry: what is stored, sent and logged',
    enableKeyRotation: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html */
export function letLogsUse(key: IKey): void {
  const { region, urlSuffix } = Stack.of(key);
  const groups = Stack.of(key).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: '*',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AllowLogs',
      actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
      principals: [new ServicePrincipal(`logs.${region}.${urlSuffix}`)],
      resources: ['*'],
      conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': groups } },
    }),
  );
}

/**
 * What publishes to an encrypted topic needs its key: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
 */
export function letPublisherUse(key: IKey, service: string): void {
  key.addToResourcePolicy(
    new PolicyStatement({
      actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      principals: [new ServicePrincipal(service)],
      resources: ['*'],
    }),
  );
}
