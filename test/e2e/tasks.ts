/** Stages as tasks: what the deployed definitions say, as processes of this machine with the roles of the tasks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TaskEndpoint, taskEndpoint } from '../../local/task-endpoint.ts';
import { type ContainerCommand, runTask } from '../../local/task-process.ts';
import { taskTokens } from '../../local/task-tokens.ts';
import { fargateTiers } from '../../shared/pipeline/machine/fargate-sizes.ts';
import { FARGATE_STAGES, type FargateNames } from '../../shared/pipeline/machine/fargate-task.ts';
import { ferryStateMachine } from '../../shared/pipeline/machine/state-machine.ts';
import { type StageName, STAGES } from '../../shared/pipeline/machine/stages.ts';
import { deployment, fixture, inputBucket, latestOf, upload } from './cloud.ts';
import { interpreted, type Tasks } from './machines.ts';

interface Definition {
  readonly taskRoleArn: string;
  readonly containerDefinitions: readonly {
    readonly command: readonly string[];
    readonly environment: readonly { readonly name: string; readonly value: string }[];
  }[];
}

/** As whom the emulator takes it; it reads the key and the service. */
const signed = (service: string): string =>
  `AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;

async function ask(service: string, headers: Record<string, string>, body: string): Promise<string> {
  const response = await fetch(deployment!.endpoint, {
    method: 'POST',
    headers: { ...headers, authorization: signed(service) },
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${service}: ${text}`);
  return text;
}

async function definitionOf(family: string): Promise<Definition> {
  const target = 'AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition';
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
  const text = await ask('ecs', headers, JSON.stringify({ taskDefinition: family }));
  return (JSON.parse(text) as { readonly taskDefinition: Definition }).taskDefinition;
}

/** What ECS puts into the environment of a task by way of its credentials endpoint. */
async function credentialsOf(RoleArn: string): Promise<Record<string, string>> {
  const query = new URLSearchParams({ Action: 'AssumeRole', Version: '2011-06-15', RoleSessionName: 'task', RoleArn });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const text = await ask('sts', headers, query.toString());
  const field = (name: string): string => new RegExp(`<${name}>([^<]+)<`).exec(text)![1]!;
  return {
    AWS_ACCESS_KEY_ID: field('AccessKeyId'),
    AWS_SECRET_ACCESS_KEY: field('SecretAccessKey'),
    AWS_SESSION_TOKEN: field('SessionToken'),
  };
}

const familyOf = (stage: StageName): string =>
  `Torchferry-${STAGES[stage].functionName.replace('Function', 'Fargate16')}`;

describe.skipIf(!deployment)('a model that no function holds', () => {
  let folder: string;
  let endpoint: TaskEndpoint;
  const tokens = taskTokens();
  const started: string[] = [];
  let tasks: Tasks;

  async function containerOf(stage: StageName): Promise<ContainerCommand> {
    const { taskRoleArn, containerDefinitions } = await definitionOf(familyOf(stage));
    const [{ command, environment }] = containerDefinitions as [Definition['containerDefinitions'][0]];
    const variables = Object.fromEntries(environment.map(({ name, value }) => [name, value]));
    return {
      command: [process.execPath, ...command.slice(1)],
      environment: {
        ...variables,
        ...(await credentialsOf(taskRoleArn)),
        AWS_ENDPOINT_URL: deployment!.endpoint,
        CODE_URL: `${deployment!.endpoint}${new URL(variables['CODE_URL']!).pathname}`,
        STATES_URL: endpoint.url,
        TMPDIR: folder,
      },
    };
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tasks-'));
    endpoint = await taskEndpoint(tokens);
    const containers = await Promise.all(
      FARGATE_STAGES.map(async (stage) => [familyOf(stage), await containerOf(stage)] as const),
    );
    const fargate: FargateNames = {
      cluster: 'cluster',
      definitions: Object.fromEntries(FARGATE_STAGES.map((stage) => [stage, { fargate16: familyOf(stage) }])),
      subnets: ['subnet'],
      securityGroups: ['group'],
      hasPublicIp: true,
    };
    tasks = {
      fargate,
      // Functions of 512 MB hold no model at all.
      tiers: [{ name: 'standard', memoryMb: 512, temporaryMb: 10_240 }, ...fargateTiers(16_384)],
      tokens,
      runTask: runTask({ definitions: new Map(containers), onStart: (family) => started.push(family) }),
    };
  });
  afterAll(() => {
    endpoint.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('is converted by tasks, which have the code and the rights that they are deployed with', async () => {
    const key = 'batch/tasks/digits.pt2';
    for (const name of ['calibration.npz', 'reference.npz'])
      await upload(`batch/tasks/digits.${name}`, fixture(`pipeline/digits.${name}`));
    await upload(key, fixture('pipeline/digits.pt2'));
    const { outcome } = await interpreted(ferryStateMachine, { bucket: inputBucket(), key }, { tasks });
    const { status, ...rest } = outcome;
    expect(status, 'error' in rest ? `${rest.error}: ${rest.cause}` : '').toBe('SUCCEEDED');
    expect(started.sort()).toEqual(
      ['Convert', 'Quantize', 'Validate', 'Validate'].map((id) => `Torchferry-${id}Fargate16`),
    );
    expect(await latestOf(key)).toMatchObject({ verdict: 'pass', chosen: 'int8' });
  });
});
