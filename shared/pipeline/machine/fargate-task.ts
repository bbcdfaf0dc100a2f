/**
 * A stage as a Fargate task: the state that starts one and waits for its answer, which is that of the function, so that
 * what follows does not know the difference.
 */
import { expression, expressionSource, isExpression, type Retrier, type TaskState, type Template } from './asl.ts';
import { CONTAINER, FARGATE_SECONDS, HEARTBEAT_SECONDS, VARIABLES } from './fargate-container.ts';
import { FARGATE_SIZE_NAMES, type FargateSizeName } from './fargate-sizes.ts';
import type { Stage } from './stage.ts';
import { STAGES, type StageName } from './stages.ts';

/** Names that deployment fills in. */
export interface FargateNames {
  readonly cluster: string;
  /** Task definitions by stage and size. */
  readonly definitions: Readonly<Partial<Record<StageName, Readonly<Partial<Record<FargateSizeName, string>>>>>>;
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  /** Whether tasks get an address of their own, because no NAT gateway leads out of their subnets. */
  readonly hasPublicIp: boolean;
}

/** Start a task and wait until it answers, or nothing is heard of it for too long. */
export const RUN_TASK = 'arn:aws:states:::ecs:runTask.waitForTaskToken';

/**
 * Stages that have a task: those that a large model asks for more memory, room or, of conversion, time than a function
 * has.
 */
export const FARGATE_STAGES: readonly StageName[] = Object.entries<Stage>(STAGES).flatMap(([name, { needs }]) =>
  needs ? [name as StageName] : [],
);

/** The sizes of a stage: all for one that takes more for a larger model, else the smallest does for any. */
export const fargateSizesOf = (stage: StageName): readonly FargateSizeName[] =>
  (STAGES[stage] as Stage).needs!.memory.ofModel > 0 ? FARGATE_SIZE_NAMES : FARGATE_SIZE_NAMES.slice(0, 1);

/** A condition: whether Claim chose a task for this model. */
export const IS_FARGATE = expression(`$tier in ${JSON.stringify(FARGATE_SIZE_NAMES)}`);

/** What ends a function that has not enough memory or time for a model, whatever its size let expect. */
export const BEYOND_A_FUNCTION = ['Lambda.Unknown', 'Runtime.ExitError', 'Runtime.OutOfMemory', 'Sandbox.Timedout'];

// Only what failed in AWS. AmazonECS.Unknown is a region without room, or vCPUs that other tasks of the account hold.
const RETRY: readonly Retrier[] = [
  {
    ErrorEquals: ['AmazonECS.Unknown', 'ECS.ThrottlingException'],
    IntervalSeconds: 30,
    // Some two hours: others may hold the vCPUs for long.
    MaxAttempts: 30,
    BackoffRate: 2,
    MaxDelaySeconds: 600,
    JitterStrategy: 'FULL',
  },
  {
    ErrorEquals: ['ECS.AmazonECSException', 'ECS.ServerException', 'ECS.SdkClientException', 'StorageUnavailable'],
    IntervalSeconds: 5,
    MaxAttempts: 5,
    BackoffRate: 2,
    MaxDelaySeconds: 60,
    JitterStrategy: 'FULL',
  },
];

interface FargateTask {
  readonly stage: StageName;
  readonly payload: { readonly [key: string]: Template };
  /** Output, Assign, Catch and Next, as of the state with the function. */
  readonly around: Pick<TaskState, 'Output' | 'Assign' | 'Catch'> &
    ({ readonly Next: string } | { readonly End: true });
}

export const fargateTask = (names: FargateNames, { stage, payload, around }: FargateTask): TaskState =>
  ({
    Type: 'Task',
    Resource: RUN_TASK,
    Arguments: {
      LaunchType: 'FARGATE',
      Cluster: names.cluster,
      TaskDefinition: definitionOf(names, stage),
      NetworkConfiguration: {
        AwsvpcConfiguration: {
          Subnets: names.subnets,
          SecurityGroups: names.securityGroups,
          AssignPublicIp: names.hasPublicIp ? 'ENABLED' : 'DISABLED',
        },
      },
      Overrides: {
        ContainerOverrides: [
          {
            Name: CONTAINER,
            // At most 8192 characters in all; a ticket has some hundred, a token up to 2048.
            Environment: [
              { Name: VARIABLES.token, Value: '{% $states.context.Task.Token %}' },
              { Name: VARIABLES.payload, Value: expression(`$string(${source(payload)})`) },
            ],
          },
        ],
      },
    },
    ...around,
    TimeoutSeconds: FARGATE_SECONDS,
    HeartbeatSeconds: HEARTBEAT_SECONDS,
    Retry: RETRY,
  }) as TaskState;

function definitionOf({ definitions }: FargateNames, stage: StageName): Template {
  const bySize = Object.entries(definitions[stage]!);
  const [[, only]] = bySize as [[string, string]];
  if (bySize.length === 1) return only;
  const chosen = `$lookup(${JSON.stringify(Object.fromEntries(bySize))}, $tier)`;
  // What comes from a function that could not do it is of another tier.
  return expression(`(${expressionSource(IS_FARGATE)}) ? ${chosen} : ${JSON.stringify(only)}`);
}

/** A template as one expression, for what takes nothing but text. */
function source(template: Template): string {
  if (typeof template === 'string')
    return isExpression(template) ? expressionSource(template) : JSON.stringify(template);
  if (Array.isArray(template)) return `[${template.map(source).join(', ')}]`;
  if (template === null || typeof template !== 'object') return JSON.stringify(template);
  return `{${Object.entries(template)
    .map(([key, value]) => `${JSON.stringify(key)}: ${source(value as Template)}`)
    .join(', ')}}`;
}
