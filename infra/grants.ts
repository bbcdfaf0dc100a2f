/** What a stage may touch, from shared/pipeline/stages.ts to IAM: exact actions on one prefix, nothing else. */
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Grant } from '../shared/pipeline/stages.ts';
import type { Buckets } from './buckets.ts';

const ACTIONS = {
  read: ['s3:GetObject', 's3:GetObjectVersion'],
  write: ['s3:PutObject', 's3:PutObjectTagging', 's3:AbortMultipartUpload'],
  list: ['s3:ListBucket'],
} as const satisfies Record<Grant['access'], readonly string[]>;

export function statements(grants: readonly Grant[], buckets: Buckets, keyArn: string | null): readonly PolicyStatement[] {
  return [...grants.map((grant) => statement(grant, buckets)), ...(keyArn ? [useKey(keyArn)] : [])];
}

function statement({ access, bucket, prefix }: Grant, buckets: Buckets): PolicyStatement {
  const { bucketArn } = buckets[bucket];
  if (access !== 'list') return new PolicyStatement({ actions: [...ACTIONS[access]], resources: [`${bucketArn}/${prefix}*`] });
  const within = prefix === '' ? {} : { conditions: { StringLike: { 's3:prefix': `${prefix}*` } } };
  return new PolicyStatement({ actions: [...ACTIONS.list], resources: [bucketArn], ...within });
}

export const useKey = (arn: string): PolicyStatement => new PolicyStatement({ actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [arn] });
