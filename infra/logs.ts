/** Logs that end, under the key of the deployment where it has one. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { LogGroup, type LogGroupProps } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Settings } from './props.ts';

export const logsOf = (
  scope: Construct,
  id: string,
  {
    settings: { logRetentionDays, encryptionKey },
    ...named
  }: { readonly settings: Settings } & Pick<LogGroupProps, 'logGroupName'>,
): LogGroup =>
  new LogGroup(scope, `${id}Logs`, {
    ...named,
    retention: logRetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
    ...(encryptionKey ? { encryptionKey } : {}),
  });
