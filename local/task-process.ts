/** `ecs:runTask.waitForTaskToken`: a task as a process of this machine, told what ECS would tell its container. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Resource } from './execution.ts';
import { StatesError } from './states-error.ts';

/** The container of a task definition. */
export interface ContainerCommand {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface TaskProcesses {
  /** By family. */
  readonly definitions: ReadonlyMap<string, ContainerCommand>;
  readonly onStart?: (family: string, process: ChildProcess) => void;
}

// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
const LONGEST_OVERRIDES = 8192;

interface RunTaskArguments {
  readonly Cluster: string;
  readonly TaskDefinition: string;
  readonly Overrides: {
    readonly ContainerOverrides: readonly {
      readonly Name: string;
      readonly Environment: readonly { readonly Name: string; readonly Value: string }[];
    }[];
  };
}

/** Whoever stops an execution does not stop its tasks: they end when they hear that nobody waits, as on AWS. */
export const runTask =
  ({ definitions, onStart }: TaskProcesses): Resource =>
  async (args) => {
    // The arguments are those of our own machine.
    const { Cluster, TaskDefinition, Overrides } = args as unknown as RunTaskArguments;
    const definition = definitions.get(TaskDefinition);
    if (!definition) throw new StatesError('ECS.ClientException', `TaskDefinition not found: ${TaskDefinition}`);
    if (JSON.stringify(Overrides).length > LONGEST_OVERRIDES)
      throw new StatesError(
        'ECS.InvalidParameterException',
        `Container Overrides length must be at most ${LONGEST_OVERRIDES}`,
      );
    const told = Overrides.ContainerOverrides.flatMap(({ Environment }) => Environment);
    const [command, ...rest] = definition.command as [string, ...string[]];
    const child = spawn(command, rest, {
      // Its log is CloudWatch's business; what there is to know, it answers.
      stdio: 'ignore',
      env: { ...definition.environment, ...Object.fromEntries(told.map(({ Name, Value }) => [Name, Value])) },
    });
    onStart?.(TaskDefinition, child);
    return { Tasks: [{ ClusterArn: Cluster, TaskDefinitionArn: TaskDefinition, LastStatus: 'RUNNING' }], Failures: [] };
  };
