/**
 * Tasks of the deployed definitions as processes of this machine: their commands and variables as the template has
 * them, the functions of the stages as CDK packs them, S3 and Step Functions over HTTP.
 */
import type { ChildProcess } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { writeHandler } from '../../infra/handler.ts';
import { TorchFerry } from '../../infra/torch-ferry.ts';
import type { FerryOptions } from '../../local/ferry.ts';
import { taskEndpoint } from '../../local/task-endpoint.ts';
import { type ContainerCommand, runTask } from '../../local/task-process.ts';
import { taskTokens } from '../../local/task-tokens.ts';
import { zipBytes } from '../../shared/bytes/zip-write.ts';
import { fargateTiers } from '../../shared/pipeline/machine/fargate-sizes.ts';
import { type StageName, STAGES } from '../../shared/pipeline/machine/stages.ts';
import { FARGATE_STAGES, type FargateNames } from '../../shared/pipeline/machine/fargate-task.ts';
import { MemoryS3 } from '../functions/memory-s3.ts';
import { s3Server } from '../functions/s3-server.ts';
import { allowed, ofType, type Synthesized, type Untyped } from '../infra/synthesize.ts';
import { CODE_BUCKET, type Policies, taskPolicies } from './task-policies.ts';

export interface Started {
  readonly stage: string;
  readonly process: ChildProcess;
}

export interface TaskFleet {
  readonly s3: MemoryS3;
  readonly policies: Policies;
  /** With functions of so much memory. */
  fargate(memoryMb: number): NonNullable<FerryOptions['fargate']>;
  /** What was started since the last time somebody asked. */
  started(): Started[];
  /** Called for each task as it starts. */
  onStart: (started: Started) => void;
  close(): void;
}

/** In buckets that are given and have versions, as those of the S3 here. */
function deployedResources(): Synthesized['resources'] {
  const stack = new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Theirs');
  const [inputBucket, outputBucket, workBucket] = ['Input', 'Output', 'Work'].map(
    (role) => new Bucket(stack, `${role}Bucket`, { versioned: true }),
  ) as [Bucket, Bucket, Bucket];
  new TorchFerry(stack, 'Default', { inputBucket, outputBucket, workBucket, fargateMemoryMb: 16_384 });
  return Template.fromStack(stack).toJSON()['Resources'] as Synthesized['resources'];
}

/** Gives a task the credentials of its role, as ECS does: nothing else in its environment has any. */
async function roleServer(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    const AccessKeyId = `TASK${request.url!.slice(1)}`;
    const Expiration = new Date(Date.now() + 3_600_000).toISOString();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ AccessKeyId, SecretAccessKey: 'secret', Token: 'session', Expiration }));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => void server.close() };
}

const roleOf = (stage: StageName): RegExp =>
  new RegExp(`^${STAGES[stage].functionName.replace('Function', 'Fargate')}Role`);

export async function taskFleet(): Promise<TaskFleet> {
  const folder = mkdtempSync(join(tmpdir(), 'tasks-'));
  // What the archive of a function brings beside its modules.
  symlinkSync(join(import.meta.dirname, '../../node_modules'), join(folder, 'node_modules'));
  const s3 = new MemoryS3();
  const tokens = taskTokens();
  const [server, endpoint, roles] = await Promise.all([s3Server(s3), taskEndpoint(tokens), roleServer()]);
  const resources = deployedResources();
  const definitions = new Map<string, ContainerCommand>();
  const stages = new Map<string, string>();
  for (const [, { Properties }] of ofType(resources, 'AWS::ECS::TaskDefinition')) {
    const [container] = Properties['ContainerDefinitions'] as [Untyped];
    const variables = container.Environment as { readonly Name: string; readonly Value: string }[];
    const { STAGE, ...environment } = Object.fromEntries(variables.map(({ Name, Value }) => [Name, Value])) as {
      readonly STAGE: string;
    };
    stages.set(Properties['Family'], STAGE);
    const [, ...args] = container.Command as string[];
    definitions.set(Properties['Family'], {
      command: [process.execPath, ...args],
      environment: {
        ...environment,
        STAGE,
        // What AWS puts there.
        AWS_REGION: 'us-east-1',
        AWS_ENDPOINT_URL: server.url,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${roles.url}/${STAGE}`,
        CODE_URL: `${server.url}/${CODE_BUCKET}/${STAGE}.zip`,
        STATES_URL: endpoint.url,
        TMPDIR: folder,
      },
    });
  }
  for (const stage of FARGATE_STAGES) {
    const code = join(folder, 'functions', stage);
    writeHandler(stage, code);
    const files = globSync('*', { cwd: code }).map((name) => [name, readFileSync(join(code, name))] as const);
    s3.put(CODE_BUCKET, `${stage}.zip`, zipBytes(files));
  }
  const families = new Map([...stages].map(([family, stage]) => [stage, family]));
  const names: FargateNames = {
    cluster: 'cluster',
    definitions: Object.fromEntries(FARGATE_STAGES.map((stage) => [stage, { fargate16: families.get(stage)! }])),
    subnets: ['subnet'],
    securityGroups: ['group'],
    hasPublicIp: true,
  };
  let started: Started[] = [];
  const policies = taskPolicies(new Map(FARGATE_STAGES.map((stage) => [stage, allowed(resources, roleOf(stage))])));
  s3.disturb = policies.check;
  const fleet: TaskFleet = {
    s3,
    policies,
    onStart: () => {},
    fargate: (memoryMb) => ({
      fargate: names,
      tiers: [{ name: 'standard', memoryMb, temporaryMb: 10_240 }, ...fargateTiers(16_384)],
      tokens,
      runTask: runTask({
        definitions,
        onStart: (family, child) => {
          const task = { stage: stages.get(family)!, process: child };
          started.push(task);
          fleet.onStart(task);
        },
      }),
    }),
    started: () => {
      const all = started;
      started = [];
      return all;
    },
    close: () => {
      for (const { process: child } of started) child.kill('SIGKILL');
      server.close();
      endpoint.close();
      roles.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return fleet;
}
