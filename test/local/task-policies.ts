/** What a task asks of S3, held against the policies that the template gives its role: refused as IAM refuses. */
import { answer, type Disturbance, type Request } from '../functions/memory-s3.ts';

export interface Policies {
  /** For MemoryS3: who a request comes from is read from its access key, `TASKconvert`. */
  readonly check: Disturbance;
  /** `convert s3:PutObject input/x`. */
  readonly refused: string[];
  /** What the policies say of S3, `convert s3:PutObject <WorkBucket.Arn>/jobs/*`, and what was made use of. */
  readonly granted: readonly string[];
  readonly used: Set<string>;
}

/** The code of the stages lies in a bucket of this name. */
export const CODE_BUCKET = 'assets';

const BUCKETS: Readonly<Record<string, string>> = {
  input: '<InputBucket.Arn>',
  output: '<OutputBucket.Arn>',
  work: '<WorkBucket.Arn>',
};

const ACTIONS: Readonly<Record<string, string>> = {
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  ListObjectsV2: 's3:ListBucket',
  DeleteObject: 's3:DeleteObject',
  DeleteObjects: 's3:DeleteObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
};

interface Wish {
  readonly action: string;
  readonly bucket: string;
  readonly key: string;
}

const split = (path: string): Pick<Wish, 'bucket' | 'key'> => {
  const [bucket = '', ...key] = decodeURIComponent(path).split('/');
  return { bucket, key: key.join('/') };
};
const reading = (isVersion: boolean): string => (isVersion ? 's3:GetObjectVersion' : 's3:GetObject');

function wishesOf({ path, headers, query = {} }: Request, operation: string): Wish[] {
  const object = split(path.slice(1));
  const plain = ACTIONS[operation] ?? 's3:PutObject';
  const action = plain === 's3:GetObject' ? reading('versionId' in query) : plain;
  const source = headers['x-amz-copy-source'];
  const [from, version] = source?.split('?versionId=') ?? [];
  return [
    { action, ...object },
    ...(headers['x-amz-tagging'] === undefined ? [] : [{ action: 's3:PutObjectTagging', ...object }]),
    ...(from === undefined ? [] : [{ action: reading(version !== undefined), ...split(from.replace(/^\//, '')) }]),
  ];
}

/** `lines`: of each stage's role, as `allowed` of test/infra writes them. */
export function taskPolicies(lines: ReadonlyMap<string, readonly string[]>): Policies {
  const refused: string[] = [];
  const used = new Set<string>();
  const allows = (stage: string, { action, bucket, key }: Wish): boolean => {
    const found = lines.get(stage)?.find((line) => {
      const [granted, resource = ''] = line.split(' ');
      if (granted !== action) return false;
      if (bucket === CODE_BUCKET) return key === `${stage}.zip` && /:s3:::cdk-[^*]*\.zip$/.test(resource);
      if (action === 's3:ListBucket') return resource === BUCKETS[bucket];
      const wanted = `${BUCKETS[bucket]}/${key}`;
      return resource.endsWith('*') ? wanted.startsWith(resource.slice(0, -1)) : wanted === resource;
    });
    if (found) used.add(`${stage} ${found}`);
    return found !== undefined;
  };
  const check: Disturbance = (request, operation) => {
    const [, stage] = /Credential=TASK(\w+)\//.exec(request.headers['authorization'] ?? '') ?? [];
    if (stage === undefined) return undefined;
    const denied = wishesOf(request, operation).filter((wish) => !allows(stage, wish));
    if (denied.length === 0) return undefined;
    refused.push(...denied.map(({ action, bucket, key }) => `${stage} ${action} ${bucket}/${key}`));
    return answer(403, { 'content-type': 'application/xml' }, '<Error><Code>AccessDenied</Code></Error>');
  };
  const granted = [...lines].flatMap(([stage, each]) =>
    each.filter((line) => line.startsWith('s3:')).map((line) => `${stage} ${line}`),
  );
  return { check, refused, granted, used };
}
