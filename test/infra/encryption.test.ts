/** A customer managed key: what lies, is sent and is logged under it, and who may use it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { STAGES } from '../../shared/pipeline/machine/stages.ts';
import { allowed, ofType, short, type Synthesized, synthesize, type Untyped } from './synthesize.ts';

const GIVEN = 'arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012';

describe.each([
  ['of its own', 'own', '<EncryptionKey.Arn>'],
  ['that is given', GIVEN, GIVEN],
])('a key %s', (_, encryptionKey, arn) => {
  const { resources } = synthesize({ encryptionKey, results: 'all', alarmEmail: 'me@example.org' });
  const under = (type: string, keyOf: (properties: Untyped) => unknown): [string, string | null][] =>
    ofType(resources, type).map(([id, { Properties }]) => {
      const key = keyOf(Properties);
      return [id.replace(/[0-9A-F]{8}$/, ''), key === undefined ? null : short(key)];
    });

  it('has models, results and work under it; access logs cannot be', () => {
    const buckets = under(
      'AWS::S3::Bucket',
      ({ BucketEncryption }) =>
        BucketEncryption.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault.KMSMasterKeyID,
    );
    expect(buckets).toEqual([
      ['AccessLogBucket', null],
      ['InputBucket', arn],
      ['OutputBucket', arn],
      ['WorkBucket', arn],
    ]);
    // One data key for many objects: a request to KMS for each would be dear, and slow.
    for (const [, { Properties }] of ofType(resources, 'AWS::S3::Bucket').slice(1))
      expect(Properties['BucketEncryption'].ServerSideEncryptionConfiguration[0].BucketKeyEnabled).toBe(true);
  });

  it('has topics and logs under it', () => {
    expect(under('AWS::SNS::Topic', ({ KmsMasterKeyId }) => KmsMasterKeyId)).toEqual([
      ['Results', arn],
      ['Alarms', arn],
    ]);
    const logs = under('AWS::Logs::LogGroup', ({ KmsKeyId }) => KmsKeyId);
    expect(logs).toHaveLength(Object.keys(STAGES).length + 2);
    expect(new Set(logs.map(([, key]) => key))).toEqual(new Set([arn]));
  });

  it('may be used by every function, by the batch that keeps results of its items, and by no other role', () => {
    const users = ofType(resources, 'AWS::IAM::Policy')
      .filter(([, { Properties }]) => JSON.stringify(Properties).includes('kms:'))
      .map(([id]) => id.replace(/Role.*$/, ''));
    expect(users).toEqual([...Object.values(STAGES).map(({ functionName }) => functionName), 'Batch']);
    // What a copy takes: to decrypt the source, and a data key for the copy.
    expect(allowed(resources, /^ConvertFunctionRole/).filter((line) => line.startsWith('kms:'))).toEqual([
      `kms:Decrypt ${arn}`,
      `kms:GenerateDataKey ${arn}`,
    ]);
  });
});

describe('the policy of a key of its own', () => {
  const { resources } = synthesize({ encryptionKey: 'own', results: 'all', alarmEmail: 'me@example.org' });
  const [[, key]] = ofType(resources, 'AWS::KMS::Key') as [[string, Synthesized['resources'][string]]];
  const statements = key.Properties['KeyPolicy'].Statement as Untyped[];

  it('is rotated, and kept when the stack goes', () => {
    expect(key).toMatchObject({ DeletionPolicy: 'Retain', Properties: { EnableKeyRotation: true } });
  });

  it('gives it to the account, and to the services that docs/aws.md names for a key that is given', () => {
    const [account, ...services] = statements;
    expect(short(account.Principal.AWS)).toBe('arn:<AWS::Partition>:iam::<AWS::AccountId>:root');
    const page = readFileSync(new URL('../../docs/aws.md', import.meta.url), 'utf8');
    const [, text] = /^```jsonc\n(\[\n[\s\S]*?)^```$/m.exec(page)!;
    const shown = JSON.stringify(services, (name, value: unknown) =>
      typeof value === 'object' && value !== null && 'Fn::Join' in value
        ? named(short(value))
        : name === 'Sid'
          ? undefined
          : value,
    );
    expect(JSON.parse(text!)).toEqual(JSON.parse(shown));
  });

  it('gives services no more than they need: those that send nothing are not there', () => {
    const quiet = synthesize({ encryptionKey: 'own' }).resources;
    const services = (ofType(quiet, 'AWS::KMS::Key')[0]![1].Properties['KeyPolicy'].Statement as Untyped[])
      .flatMap(({ Principal }) => Principal.Service ?? [])
      .map(short);
    expect(services).toEqual(['logs.<AWS::Region>.<AWS::URLSuffix>']);
  });
});

/** As the page writes what CloudFormation fills in. */
const named = (text: string): string =>
  text
    .replaceAll('<AWS::Partition>', 'aws')
    .replaceAll('<AWS::Region>', 'REGION')
    .replaceAll('<AWS::AccountId>', 'ACCOUNT')
    .replaceAll('<AWS::URLSuffix>', 'amazonaws.com');

it('none: no key is made, and nothing but S3 encrypts', () => {
  const { template } = synthesize({ alarmEmail: 'me@example.org' });
  template.resourceCountIs('AWS::KMS::Key', 0);
});
