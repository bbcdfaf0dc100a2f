/**
 * Fargate tasks for models that no function holds, where a deployment wants them: a cluster, a network, the stages, and
 * what it takes in IAM to start them and to answer. Nothing of it costs anything until a task runs.
 */
import { Stack } from 'aws-cdk-lib';
import { CfnCluster } from 'aws-cdk-lib/aws-ecs';
import { Policy, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { FARGATE_STAGES, type FargateNames } from '../shared/pipeline/machine/fargate-task.ts';
import type { Buckets } from './buckets.ts';
import { fargateNetwork } from './fargate-network.ts';
import { definitionName, type FargateStage, fargateStage, taskPrincipal } from './fargate-stage.ts';
import { acknowledge, wildcard } from './nag.ts';
import type { Settings } from './props.ts';

export interface Fargate {
  /** Placeholders, for the definition of a machine, and what they stand for. */
  readonly names: FargateNames;
  readonly substitutions: Readonly<Record<string, string>>;
  readonly clusterArn: string;
  readonly executionRole: Role;
  readonly stages: readonly FargateStage[];
}

interface FargateParts {
  readonly buckets: Buckets;
  readonly settings: Settings;
}

export function fargateTasks(scope: Construct, { buckets, settings }: FargateParts): Fargate {
  const cluster = new CfnCluster(scope, 'FargateCluster');
  acknowledge(cluster, {
    'AwsSolutions-ECS4': 'stages measure themselves; Container Insights would bill some twenty metrics for each task',
  });
  const { subnetIds, securityGroupId, hasPublicIp } = fargateNetwork(scope, settings.fargateVpc);
  const executionRole = new Role(scope, 'FargateExecutionRole', { assumedBy: taskPrincipal(scope) });
  const stages = FARGATE_STAGES.map(
    (stage) => [stage, fargateStage(scope, stage, { buckets, settings, executionRole })] as const,
  );
  const subnets = subnetIds.map((id, i) => [`FargateSubnet${i}`, id] as const);
  const families = stages.flatMap(([stage, { definitions }]) =>
    [...definitions].map(([size, definition]) => [definitionName(stage, size), definition.family] as const),
  );
  return {
    names: {
      cluster: '${FargateCluster}',
      definitions: Object.fromEntries(
        stages.map(([stage, { definitions }]) => [
          stage,
          Object.fromEntries([...definitions.keys()].map((size) => [size, `\${${definitionName(stage, size)}}`])),
        ]),
      ),
      subnets: subnets.map(([name]) => `\${${name}}`),
      securityGroups: ['${FargateSecurityGroup}'],
      hasPublicIp,
    },
    substitutions: {
      FargateCluster: cluster.attrArn,
      FargateSecurityGroup: securityGroupId,
      ...Object.fromEntries([...subnets, ...families]),
    },
    clusterArn: cluster.attrArn,
    executionRole,
    stages: stages.map(([, each]) => each),
  };
}

/** Start tasks of these families in this cluster, as those roles and no others. */
export function allowToRun(role: Role, { clusterArn, executionRole, stages }: Fargate): void {
  const families = stages.flatMap(({ definitions }) => [...definitions.values()].map(revisionsOf));
  role.addToPolicy(
    new PolicyStatement({
      actions: ['ecs:RunTask'],
      resources: families,
      conditions: { ArnEquals: { 'ecs:cluster': clusterArn } },
    }),
  );
  role.addToPolicy(
    new PolicyStatement({
      actions: ['iam:PassRole'],
      resources: [executionRole, ...stages.map((stage) => stage.role)].map(({ roleArn }) => roleArn),
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    }),
  );
  acknowledge(
    role,
    Object.fromEntries(families.map((arn) => [wildcard(role, arn), 'every revision of this family, and of no other'])),
  );
}

const revisionsOf = ({ family, stack }: { readonly family: string; readonly stack: Stack }): string =>
  stack.formatArn({ service: 'ecs', resource: 'task-definition', resourceName: `${family}:*` });

/**
 * Answer the machine that started them. A policy of its own: the machine needs the tasks, whose roles would need the
 * machine.
 */
export function allowToAnswer(machine: StateMachine, { stages }: Fargate): void {
  new Policy(machine, 'AnswerPolicy', {
    roles: stages.map(({ role }) => role),
    statements: [
      new PolicyStatement({
        actions: ['states:SendTaskSuccess', 'states:SendTaskFailure', 'states:SendTaskHeartbeat'],
        resources: [machine.stateMachineArn],
      }),
    ],
  });
}
