/** The machines of shared/pipeline on Step Functions: the very values that run on one machine, names filled in and grants written out. */
import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { StateMachine as Definition } from '../shared/pipeline/asl.ts';
import { batchStateMachine } from '../shared/pipeline/batch-machine.ts';
import { ferryStateMachine } from '../shared/pipeline/state-machine.ts';
import { STAGE_NAMES, type StageName, STAGES, WORK_PREFIXES } from '../shared/pipeline/stages.ts';
import type { Buckets } from './buckets.ts';
import { useKey } from './grants.ts';
import { acknowledge } from './nag.ts';
import type { DeploymentOptions } from './options.ts';

export interface MachineParts {
  readonly functions: Readonly<Record<StageName, LambdaFunction>>;
  readonly buckets: Buckets;
  readonly eventBus: IEventBus;
  readonly options: DeploymentOptions;
}

/** Converts one model. */
export function conversionMachine(scope: Construct, parts: MachineParts): StateMachine {
  const machine = deploy(scope, 'Conversion', ferryStateMachine(), parts, []);
  acknowledge(machine.role, 'conversionRole');
  return machine;
}

/** Converts what a manifest or a prefix names, each with the conversion machine. */
export function batchMachine(scope: Construct, parts: MachineParts, conversion: StateMachine): StateMachine {
  const definition = batchStateMachine();
  const { input, work } = parts.buckets;
  const batches = `${work.bucketArn}/${WORK_PREFIXES.batches}*`;
  const { encryptionKeyArn } = parts.options;
  const machine = deploy(scope, 'Batch', definition, parts, [
    new PolicyStatement({ actions: ['s3:GetObject'], resources: [`${input.bucketArn}/*`] }),
    new PolicyStatement({ actions: ['s3:ListBucket'], resources: [input.bucketArn] }),
    // What a ResultWriter needs: https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    new PolicyStatement({ actions: ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'], resources: [batches] }),
    ...startAndWait(conversion),
    ...(encryptionKeyArn ? [useKey(encryptionKeyArn)] : []),
  ], { ConversionStateMachine: conversion.stateMachineArn });

  // The items of a Distributed Map are executions that the machine starts of itself. A policy of its own, because it names the machine that needs the role.
  const items = new Policy(machine, 'ItemsPolicy', { roles: [machine.role], statements: itemStatements(machine, definition) });
  acknowledge(machine.role, 'batchRole');
  acknowledge(items, 'batchRole');
  return machine;
}

function deploy(
  scope: Construct, id: string, definition: Definition, parts: MachineParts, grants: readonly PolicyStatement[], names: Readonly<Record<string, string>> = {},
): StateMachine {
  const text = JSON.stringify(definition);
  // The functions that a definition names are those it may invoke.
  const named = STAGE_NAMES.filter((stage) => text.includes(`\${${STAGES[stage].functionName}}`)).map((stage) => parts.functions[stage]);
  const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: named.map(({ functionArn }) => functionArn) }));
  role.addToPolicy(new PolicyStatement({ actions: ['events:PutEvents'], resources: [parts.eventBus.eventBusArn] }));
  for (const grant of grants) role.addToPolicy(grant);

  return new StateMachine(scope, `${id}StateMachine`, {
    stateMachineType: StateMachineType.STANDARD,
    definitionBody: DefinitionBody.fromString(text),
    definitionSubstitutions: { ...substitutions(parts), ...names },
    role,
    tracingEnabled: true,
    logs: {
      // With this name the log group is found by its prefix; otherwise each machine adds to a policy that may hold 5120 characters for the whole account.
      destination: new LogGroup(scope, `${id}Logs`, {
        logGroupName: `/aws/vendedlogs/states/${Stack.of(scope).stackName}-${id}`,
        retention: parts.options.logRetentionDays,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
      level: LogLevel.ALL,
      includeExecutionData: true,
    },
  });
}

const substitutions = ({ functions, buckets, eventBus }: MachineParts): Record<string, string> => ({
  ...Object.fromEntries(STAGE_NAMES.map((stage) => [STAGES[stage].functionName, functions[stage].functionArn])),
  OutputBucket: buckets.output.bucketName,
  WorkBucket: buckets.work.bucketName,
  EventBus: eventBus.eventBusName,
});

/** To start another machine and wait for it: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html */
const startAndWait = (machine: StateMachine): readonly PolicyStatement[] => [
  new PolicyStatement({ actions: ['states:StartExecution'], resources: [machine.stateMachineArn] }),
  new PolicyStatement({ actions: ['states:DescribeExecution', 'states:StopExecution'], resources: [executions(machine)] }),
  new PolicyStatement({
    actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
    resources: [Stack.of(machine).formatArn({ service: 'events', resource: 'rule', resourceName: 'StepFunctionsGetEventsForStepFunctionsExecutionRule' })],
  }),
];

const itemStatements = (machine: StateMachine, definition: Definition): PolicyStatement[] => {
  const labels = Object.values(definition.States).flatMap((state) => (state.Type === 'Map' && state.Label ? [state.Label] : []));
  return [
    new PolicyStatement({ actions: ['states:StartExecution'], resources: [machine.stateMachineArn] }),
    new PolicyStatement({ actions: ['states:DescribeExecution', 'states:StopExecution'], resources: [executions(machine)] }),
    new PolicyStatement({ actions: ['states:RedriveExecution'], resources: labels.map((label) => executions(machine, `/${label}`)) }),
  ];
};

const executions = (machine: StateMachine, mapRun = ''): string => Stack.of(machine).formatArn({
  service: 'states', resource: 'execution', resourceName: `${machine.stateMachineName}${mapRun}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
});
