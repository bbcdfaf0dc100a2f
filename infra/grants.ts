/** What a stage may touch, from shared/pipeline/machine/stages.ts to IAM: exact actions on one prefix, nothing else. */
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Grant } from '../shared/pipeline/machine/stage.ts';
import type { Buckets } from './buckets.ts';
import { acknowledge, wildcard } from './nag.ts';

const ACTIONS = {
  read: ['s3:GetObject'],
  write: ['s3:PutObject', 's3:AbortMultipartUpload'],
  tag: ['s3:PutObjectTagging'],
  list: ['s3:ListBucket'],
  scratch: ['s3:PutObject', 's3:GetObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
} as const satisfies Record<Grant['access'], readonly string[]>;

/** What is read is pinned to the version that is found: of uploads, those that were replaced are converted too. */
const VERSIONS: Readonly<Record<Grant['access'], readonly string[]>> = {
  read: ['s3:GetObjectVersion'],
  scratch: ['s3:GetObjectVersion'],
  write: [],
  tag: [],
  list: [],
};

export function allow(role: Role, grants: readonly Grant[], buckets: Buckets): void {
  for (const { access, bucket, prefix } of grants) {
    if (access === 'list') role.addToPolicy(listing(buckets[bucket].bucketArn, prefix));
    else {
      const below = bucket === 'input' ? buckets.inputPrefix : '';
      allowKeys(role, buckets[bucket], {
        prefix: below + prefix,
        actions: [...ACTIONS[access], ...(buckets.versioned.has(bucket) ? VERSIONS[access] : [])],
      });
    }
  }
}

/** Actions on the keys that start with a prefix. */
export function allowKeys(
  role: Role,
  bucket: IBucket,
  { prefix, actions }: { readonly prefix: string; readonly actions: readonly string[] },
): void {
  const resource = `${bucket.bucketArn}/${prefix}*`;
  role.addToPolicy(new PolicyStatement({ actions: [...actions], resources: [resource] }));
  if (bucket.encryptionKey) role.addToPolicy(useKey(bucket.encryptionKey.keyArn));
  acknowledge(role, {
    [wildcard(role, resource)]: 'keys come from uploads and jobs: any key below this prefix, and no other',
  });
}

function listing(bucketArn: string, prefix: string): PolicyStatement {
  const within = prefix === '' ? {} : { conditions: { StringLike: { 's3:prefix': `${prefix}*` } } };
  return new PolicyStatement({ actions: [...ACTIONS.list], resources: [bucketArn], ...within });
}

// Who writes an object in parts reads what it wrote.
const useKey = (arn: string): PolicyStatement =>
  new PolicyStatement({ actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [arn] });
