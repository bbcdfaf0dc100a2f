/**
 * Where files lie: models in, results out, what stages tell each other, and who has read what. All private, encrypted,
 * TLS only.
 */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  type CfnBucket,
  type IBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { BucketRole } from '../shared/pipeline/machine/stage.ts';
import { WORK_PREFIXES } from '../shared/pipeline/workspace/keys.ts';
import type { DeploymentOptions } from './options.ts';

export type Buckets = Readonly<Record<BucketRole, Bucket>>;

const ACCESS_LOG_DAYS = 90;
// Long enough to go back to the model that was there before, and to redrive the job that read it.
const REPLACED_MODEL_DAYS = 90;

const HOUSE = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  // Models and results outlive the stack; an empty bucket is deleted by hand in a moment, a deleted model is gone.
  removalPolicy: RemovalPolicy.RETAIN,
} satisfies BucketProps;

const ABORT_UPLOADS: LifecycleRule = {
  id: 'abort-incomplete-uploads',
  abortIncompleteMultipartUploadAfter: Duration.days(1),
};
const expire = (id: string, prefix: string, days: number): LifecycleRule => ({
  id,
  prefix,
  expiration: Duration.days(days),
});

export function ferryBuckets(scope: Construct, options: DeploymentOptions): Buckets {
  const accessLogs = new Bucket(scope, 'AccessLogBucket', {
    ...HOUSE,
    // S3 writes access logs only to buckets with keys of its own.
    encryption: BucketEncryption.S3_MANAGED,
    lifecycleRules: [ABORT_UPLOADS, expire('expire-access-logs', '', ACCESS_LOG_DAYS)],
  });

  const key = options.encryptionKeyArn;
  const encryption: BucketProps = key
    ? {
        encryption: BucketEncryption.KMS,
        encryptionKey: Key.fromKeyArn(scope, 'EncryptionKey', key),
        bucketKeyEnabled: true,
      }
    : { encryption: BucketEncryption.S3_MANAGED };
  const bucket = (id: string, props: BucketProps, rules: readonly LifecycleRule[] = []): Bucket =>
    new Bucket(scope, id, {
      ...HOUSE,
      ...encryption,
      serverAccessLogsBucket: accessLogs as IBucket,
      serverAccessLogsPrefix: `${id}/`,
      ...props,
      lifecycleRules: [ABORT_UPLOADS, ...rules],
    });

  const { claims, jobs, batches } = WORK_PREFIXES;
  const days = options.workRetentionDays;
  return {
    // Versions name an upload for good: a job reads the model that started it, whatever is uploaded over it meanwhile.
    input: announcing(
      bucket('InputBucket', { versioned: true }, [
        {
          id: 'expire-replaced-models',
          noncurrentVersionExpiration: Duration.days(REPLACED_MODEL_DAYS),
          expiredObjectDeleteMarker: true,
        },
      ]),
    ),
    output: bucket('OutputBucket', {}),
    work: bucket('WorkBucket', {}, [
      expire('expire-claims', claims, days),
      expire('expire-jobs', jobs, days),
      expire('expire-batches', batches, days),
    ]),
  };
}

/**
 * Send events to EventBridge. Bucket's own `eventBridgeEnabled` does the same through a Python function and a role,
 * which nothing here needs.
 */
function announcing(bucket: Bucket): Bucket {
  const resource = bucket.node.defaultChild as CfnBucket;
  resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
  return bucket;
}
