/** The state machines of shared/pipeline on Step Functions: the same values that run on one machine, with the names filled in and the grants written out. */
import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { StateMachine as Definition } from '../shared/pipeline/asl.ts';
import { batchStateMachine, MAP_LABELS } from '../shared/pipeline/batch-machine.ts';
import { ferryStateMachine } from '../shared/pipeline/state-machine.ts';
import { type StageName, STAGES, WORK_PREFIXES } from '../shared/pipeline/stages.ts';
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
