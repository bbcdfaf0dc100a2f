/** Machines that start machines: what that takes in IAM, on the executions of one machine only. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import { Policy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { StateMachine as Definition } from '../shared/pipeline/machine/asl.ts';
import { acknowledge, wildcard } from './nag.ts';

const REASON =
  'the names of executions are not known before they start: any execution of this machine, and of no other';

/**
 * Start a machine and wait for its end: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
 */
export function allowToStart(role: Role, machine: StateMachine): void {
  const rule = Stack.of(machine).formatArn({
    service: 'events',
    resource: 'rule',
    resourceName: 'StepFunctionsGetEventsForStepFunctionsExecutionRule',
  });
  role.addToPolicy(new PolicyStatement({ actions: ['states:StartExecution'], resources: [machine.stateMachineArn] }));
  role.addToPolicy(
    new PolicyStatement({
      actions: ['states:DescribeExecution', 'states:StopExecution'],
      resources: [executions(machine)],
    }),
  );
  role.addToPolicy(
    new PolicyStatement({ actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'], resources: [rule] }),
  );
  acknowledge(role, { [wildcard(role, executions(machine))]: REASON });
}

/**
 * Start a machine from itself and go on: the jobs that waited for a file. A policy of its own, for the reason of
 * `allowItems`.
 */
export function allowToStartItself(machine: StateMachine, role: Role): void {
  new Policy(machine, 'StartPolicy', {
    roles: [role],
    statements: [new PolicyStatement({ actions: ['states:StartExecution'], resources: [machine.stateMachineArn] })],
  });
}

/**
 * The items of a Distributed Map are executions that a machine starts of itself. They take a policy of their own: one
 * in the role would
 * need the machine, which needs the role.
 */
export function allowItems(machine: StateMachine, role: Role, definition: Definition): void {
  const labels = Object.values(definition.States).flatMap((state) =>
    state.Type === 'Map' && state.Label ? [`/${state.Label}`] : [],
  );
  const policy = new Policy(machine, 'ItemsPolicy', {
    roles: [role],
    statements: [
      new PolicyStatement({ actions: ['states:StartExecution'], resources: [machine.stateMachineArn] }),
      new PolicyStatement({
        actions: ['states:DescribeExecution', 'states:StopExecution'],
        resources: [executions(machine)],
      }),
      new PolicyStatement({
        actions: ['states:RedriveExecution'],
        resources: labels.map((label) => executions(machine, label)),
      }),
    ],
  });
  acknowledge(
    policy,
    Object.fromEntries(['', ...labels].map((label) => [wildcard(policy, executions(machine, label)), REASON])),
  );
}

const executions = (machine: StateMachine, mapRun = ''): string =>
  Stack.of(machine).formatArn({
    service: 'states',
    resource: 'execution',
    resourceName: `${machine.stateMachineName}${mapRun}:*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
