/**
 * Where files lie: models in, results out, what stages tell each other, and who has read what. All private, encrypted,
 * TLS only.
 */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
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
import { fail } from '../shared/errors.ts';
import type { BucketRole } from '../shared/pipeline/machine/stage.ts';
import { WORK_PREFIXES } from '../shared/pipeline/workspace/keys.ts';
import type { Settings } from './props.ts';

type ByRole = Readonly<Record<BucketRole, IBucket>>;
export interface Buckets extends ByRole {
  /** Only what lies below it is read of the bucket of uploads. */
  readonly inputPrefix: string;
  /** Those whose objects may have versions: of uploads, and those that were given. */
  readonly versioned: ReadonlySet<BucketRole>;
}

const ACCESS_LOG_DAYS = 90;
// Long enough to go back to the model that was there before, and to redrive the job that read it.
const REPLACED_MODEL_DAYS = 90;
// Deleted when the object that is copied from them is whole; left behind only by a function that was stopped.
const PARTS_DAYS = 1;

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

/** Those that are given, as they are; for the others new ones with the rules of this house. Fails with BadOption. */
export function ferryBuckets(scope: Construct, settings: Settings): Buckets {
  const { inputBucket, outputBucket, workBucket } = settings;
  if (outputBucket && outputBucket.bucketName === inputBucket?.bucketName) {
    fail('BadOption', {
      option: 'outputBucket',
      value: outputBucket.node.path,
      expected: 'another bucket than inputBucket, where results would be converted again',
    });
  }
  inputBucket?.enableEventBridgeNotification();
  const given = { input: inputBucket, output: outputBucket, work: workBucket } as Given;
  const isMissing = Object.values(given).some((bucket) => bucket === undefined);
  const buckets = isMissing ? withOwn(scope, settings, given) : (given as ByRole);
  const isGiven = (role: string): boolean => given[role as BucketRole] !== undefined;
  const versioned = new Set<BucketRole>(['input', ...(Object.keys(given).filter(isGiven) as BucketRole[])]);
  return { ...buckets, inputPrefix: settings.inputPrefix, versioned };
}

type Given = Readonly<Record<BucketRole, IBucket | undefined>>;

function withOwn(scope: Construct, settings: Settings, given: Given): ByRole {
  const accessLogs = new Bucket(scope, 'AccessLogBucket', {
    ...HOUSE,
    // S3 writes access logs only to buckets with keys of its own.
    encryption: BucketEncryption.S3_MANAGED,
    lifecycleRules: [ABORT_UPLOADS, expire('expire-access-logs', '', ACCESS_LOG_DAYS)],
  });

  const { encryptionKey, workRetentionDays: days } = settings;
  const encryption: BucketProps = encryptionKey
    ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }
    : { encryption: BucketEncryption.S3_MANAGED };
  const bucket = (id: string, props: BucketProps, rules: readonly LifecycleRule[] = []): IBucket =>
    new Bucket(scope, id, {
      ...HOUSE,
      ...encryption,
      serverAccessLogsBucket: accessLogs as IBucket,
      serverAccessLogsPrefix: `${id}/`,
      ...props,
      lifecycleRules: [ABORT_UPLOADS, ...rules],
      // With exactOptionalPropertyTypes a Bucket is no IBucket.
    }) as IBucket;

  const { claims, jobs, batches, parts } = WORK_PREFIXES;
  return {
    // Versions name an upload for good: a job reads the model that started it, whatever is uploaded over it meanwhile.
    input:
      given.input ??
      announcing(
        bucket('InputBucket', { versioned: true }, [
          {
            id: 'expire-replaced-models',
            noncurrentVersionExpiration: Duration.days(REPLACED_MODEL_DAYS),
            expiredObjectDeleteMarker: true,
          },
        ]),
      ),
    output: given.output ?? bucket('OutputBucket', {}),
    work:
      given.work ??
      bucket('WorkBucket', {}, [
        expire('expire-claims', claims, days),
        expire('expire-jobs', jobs, days),
        expire('expire-batches', batches, days),
        expire('expire-parts', parts, PARTS_DAYS),
      ]),
  };
}

/**
 * Send events to EventBridge. Bucket's own `eventBridgeEnabled` does the same through a Python function and a role,
 * which nothing here needs.
 */
function announcing(bucket: IBucket): IBucket {
  const resource = bucket.node.defaultChild as CfnBucket;
  resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
  return bucket;
}
