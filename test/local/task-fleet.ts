/**
 * Tasks of the deployed definitions as processes of this machine: their commands and variables as the template has
 * them, the functions of the stages as CDK packs them, S3 and Step Functions over HTTP.
 */
import type { ChildProcess } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeHandler } from '../../infra/handler.ts';
import type { FerryOptions } from '../../local/ferry.ts';
import { taskEndpoint } from '../../local/task-endpoint.ts';
import { type ContainerCommand, runTask } from '../../local/task-process.ts';
import { taskTokens } from '../../local/task-tokens.ts';
import { zipBytes } from '../../shared/bytes/zip-write.ts';
import { fargateTiers } from '../../shared/pipeline/machine/fargate-sizes.ts';
import { FARGATE_STAGES, type FargateNames } from '../../shared/pipeline/machine/fargate-task.ts';
import { MemoryS3 } from '../functions/memory-s3.ts';
import { s3Server } from '../functions/s3-server.ts';
import { ofType, synthesize, type Untyped } from '../infra/synthesize.ts';

export interface Started {
  readonly stage: string;
  readonly process: ChildProcess;
}

export interface TaskFleet {
  readonly s3: MemoryS3;
  /** With functions of so much memory. */
  fargate(memoryMb: number): NonNullable<FerryOptions['fargate']>;
  /** What was started since the last time somebody asked. */
  started(): Started[];
  /** Called for each task as it starts. */
  onStart: (started: Started) => void;
  close(): void;
}

export async function taskFleet(): Promise<TaskFleet> {
  const folder = mkdtempSync(join(tmpdir(), 'tasks-'));
  // What the archive of a function brings beside its modules.
  symlinkSync(join(import.meta.dirname, '../../node_modules'), join(folder, 'node_modules'));
  const s3 = new MemoryS3();
  const tokens = taskTokens();
  const [server, endpoint] = await Promise.all([s3Server(s3), taskEndpoint(tokens)]);
  const { resources } = synthesize({ fargateMemoryMb: '16384' });
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
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        CODE_URL: `${server.url}/assets/${STAGE}.zip`,
        STATES_URL: endpoint.url,
        TMPDIR: folder,
      },
    });
  }
  for (const stage of FARGATE_STAGES) {
    const code = join(folder, 'functions', stage);
    writeHandler(stage, code);
    const files = globSync('*', { cwd: code }).map((name) => [name, readFileSync(join(code, name))] as const);
    s3.put('assets', `${stage}.zip`, zipBytes(files));
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
  const fleet: TaskFleet = {
    s3,
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
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return fleet;
}
