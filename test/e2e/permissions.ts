/** Least privilege, both ways: what functions and tasks ask for is allowed, and what they are allowed they ask for. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { deployment } from './cloud.ts';

interface Call {
  readonly role: string;
  readonly action: string;
  readonly resource: string;
  readonly allowed: boolean;
}
interface Statement {
  readonly Action: string | readonly string[];
}
interface Policy {
  readonly Type: string;
  readonly Properties: {
    readonly PolicyDocument: { readonly Statement: readonly Statement[] };
    readonly Roles: readonly { readonly Ref: string }[];
  };
}

// What the emulator does not ask a policy about: test/infra holds that it is granted. Lists are there for S3 to say
// that an object is missing, which test/local/grants.test.ts holds.
const NOT_ASKED = ['logs:', 'xray:', 'kms:', 's3:ListBucket', 'states:SendTask'];
/**
 * Granted for what does not happen here (parts of large models among it), or, of HEAD with a version and of tags that
 * come with an object, for what the emulator takes for s3:GetObject and s3:PutObject.
 */
const EXPECTED_IDLE = [
  's3:AbortMultipartUpload',
  'ConvertFunction s3:DeleteObject',
  'ConvertFargate s3:DeleteObject',
  'ConvertFunction s3:PutObjectTagging',
  'ConvertFargate s3:PutObjectTagging',
  'QuantizeFunction s3:PutObjectTagging',
  'QuantizeFargate s3:PutObjectTagging',
  'ReportFunction s3:GetObjectVersion',
  'BatchReportFunction s3:GetObjectVersion',
];

const calls = (): Call[] =>
  readFileSync(deployment!.callsFile, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Call)
    .filter(({ role }) => /(Function|Fargate)Role/.test(role));
const short = (role: string): string => /^(?:Torchferry-)?(\w+(?:Function|Fargate))Role/.exec(role)![1]!;

describe.skipIf(!deployment)('the roles of functions and tasks', () => {
  test('were never denied anything', () => {
    const denied = calls().filter(({ allowed }) => !allowed);
    expect(denied).toEqual([]);
  });

  test('use every action that they are granted', () => {
    const template = JSON.parse(readFileSync(deployment!.templateFile, 'utf8')) as {
      Resources: Record<string, Policy>;
    };
    const used = new Set(calls().map(({ role, action }) => `${short(role)} ${action}`));
    expect(used.size).toBeGreaterThan(20);
    const idle = Object.values(template.Resources)
      .filter(
        ({ Type, Properties }) =>
          Type === 'AWS::IAM::Policy' && /(Function|Fargate)Role/.test(Properties.Roles[0]!.Ref),
      )
      .flatMap(({ Properties }) =>
        Properties.PolicyDocument.Statement.flatMap(({ Action }) => Action).map((action) => [
          short(Properties.Roles[0]!.Ref),
          action,
        ]),
      )
      .map((pair) => pair.join(' '))
      .filter((pair) => !NOT_ASKED.some((start) => pair.includes(` ${start}`)))
      .filter((pair) => !EXPECTED_IDLE.some((idle) => pair.endsWith(idle)))
      .filter((pair) => !used.has(pair));
    expect(idle).toEqual([]);
  });
});
