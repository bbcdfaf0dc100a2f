/**
 * The machines of shared/pipeline on Step Functions: the very values that run on one machine, names filled in and
 * grants written out.
 */
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { StateMachine as Definition } from '../shared/pipeline/machine/asl.ts';
import { batchStateMachine } from '../shared/pipeline/machine/batch-machine.ts';
import { ferryStateMachine } from '../shared/pipeline/machine/state-machine.ts';
import { STAGE_NAMES, type StageName, STAGES } from '../shared/pipeline/machine/stages.ts';
import { WORK_PREFIXES } from '../shared/pipeline/workspace/keys.ts';
import type { Buckets } from './buckets.ts';
import { allowItems, allowToStart, allowToStartItself } from './executions.ts';
import { allowToAnswer, allowToRun, type Fargate } from './fargate.ts';
import { allow, allowKeys } from './grants.ts';
import { logsOf } from './logs.ts';
import { acknowledge, wildcard } from './nag.ts';
import type { Settings } from './props.ts';
import { nameIn } from './place.ts';
import { largeName, tiersOf } from './stage-function.ts';

export interface MachineParts {
  readonly functions: Readonly<Record<StageName, LambdaFunction>>;
  /** Those for large models, where a deployment has them. */
  readonly largeFunctions: ReadonlyMap<StageName, LambdaFunction>;
  /** Tasks for models that no function holds, where a deployment has them. */
  readonly fargate: Fargate | null;
  readonly buckets: Buckets;
  readonly eventBus: IEventBus;
  readonly settings: Settings;
}

interface Deployed {
  readonly definition: Definition;
  readonly role: Role;
  /** What the placeholders of the definition stand for. */
  readonly names: Readonly<Record<string, string>>;
  readonly settings: Settings;
}

/** Converts one model. */
export function conversionMachine(scope: Construct, parts: MachineParts): StateMachine {
  const { largeFunctions, fargate, settings } = parts;
  const large = [...largeFunctions.keys()].map((name) => [name, `\${${largeName(name)}}`] as const);
  const { inputPrefix, batchPrefix } = settings;
  const definition = ferryStateMachine({
    inputPrefix,
    batchPrefix,
    tiers: tiersOf(settings),
    largeFunctions: large.length ? Object.fromEntries(large) : null,
    fargate: fargate && fargate.names,
  });
  const role = machineRole(scope, 'Conversion', { definition, ...parts });
  const machine = deploy(scope, 'Conversion', {
    definition,
    role,
    names: { ...substitutions(parts), ...fargate?.substitutions },
    settings,
  });
  allowToStartItself(machine, role);
  if (fargate) {
    allowToRun(role, fargate);
    allowToAnswer(machine, fargate);
  }
  return machine;
}

/** Converts what a manifest or a prefix names, each with the conversion machine. */
export function batchMachine(scope: Construct, parts: MachineParts, conversion: StateMachine): StateMachine {
  const { buckets, settings } = parts;
  const definition = batchStateMachine();
  const role = machineRole(scope, 'Batch', { definition, ...parts });
  // Its manifest is read by a stage; the machine itself lists.
  allow(role, [{ bucket: 'input', prefix: '', access: 'list' }], buckets);
  // What a ResultWriter needs: https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
  allowKeys(role, buckets.work, {
    prefix: WORK_PREFIXES.batches,
    actions: ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
  });
  allowToStart(role, conversion);
  const names = { ...substitutions(parts), ConversionStateMachine: conversion.stateMachineArn };
  const machine = deploy(scope, 'Batch', { definition, role, names, settings });
  allowItems(machine, role, definition);
  return machine;
}

function machineRole(
  scope: Construct,
  id: string,
  { definition, functions, largeFunctions, eventBus }: MachineParts & Pick<Deployed, 'definition'>,
): Role {
  const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  const text = JSON.stringify(definition);
  // The functions that a definition names are those it may invoke.
  const isNamed = (placeholder: string): boolean => text.includes(`\${${placeholder}}`);
  const named = [
    ...STAGE_NAMES.filter((stage) => isNamed(STAGES[stage].functionName)).map((stage) => functions[stage].functionArn),
    ...[...largeFunctions].filter(([stage]) => isNamed(largeName(stage))).map(([, each]) => each.functionArn),
  ];
  role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: named }));
  role.addToPolicy(new PolicyStatement({ actions: ['events:PutEvents'], resources: [eventBus.eventBusArn] }));
  acknowledge(role, {
    [wildcard(role, '*')]: 'traces and log delivery, which CDK grants: neither of the two knows resources',
  });
  return role;
}

const deploy = (scope: Construct, id: string, { definition, role, names, settings }: Deployed): StateMachine =>
  new StateMachine(scope, `${id}StateMachine`, {
    stateMachineType: StateMachineType.STANDARD,
    definitionBody: DefinitionBody.fromString(JSON.stringify(definition)),
    definitionSubstitutions: { ...names },
    role,
    tracingEnabled: true,
    logs: { destination: machineLogs(scope, id, settings), level: LogLevel.ALL, includeExecutionData: true },
  });

// Log groups of this prefix are allowed at once; each of another name takes a part of the 5120 characters that one
// account has for them all.
const machineLogs = (scope: Construct, id: string, settings: Settings): LogGroup =>
  logsOf(scope, id, { settings, logGroupName: `/aws/vendedlogs/states/${nameIn(scope, id)}` });

const substitutions = ({
  functions,
  largeFunctions,
  buckets,
  eventBus,
}: MachineParts): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(STAGE_NAMES.map((stage) => [STAGES[stage].functionName, functions[stage].functionArn])),
  ...Object.fromEntries([...largeFunctions].map(([stage, each]) => [largeName(stage), each.functionArn])),
  OutputBucket: buckets.output.bucketName,
  WorkBucket: buckets.work.bucketName,
  EventBus: eventBus.eventBusName,
});
