/** Our interpreter on the deployment: machines that the emulator cannot run, with everything they call deployed. */
import { InvokeCommand, LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import { s3Store } from '../../functions/s3-store.ts';
import type { Resource } from '../../local/execution.ts';
import { type Checkpoint, interpret, type Outcome } from '../../local/interpreter.ts';
import type { FerryOptions } from '../../local/ferry.ts';
import { mapFiles } from '../../local/map-files.ts';
import { StatesError } from '../../local/states-error.ts';
import type { Json, StateMachine } from '../../shared/pipeline/machine/asl.ts';
import { RUN_TASK } from '../../shared/pipeline/machine/fargate-task.ts';
import { STAGE_NAMES, STAGES, type StageName } from '../../shared/pipeline/machine/stages.ts';
import {
  INVOKE,
  type MachineNames,
  PUT_EVENTS,
  RUN_EXECUTION,
  START_EXECUTION,
} from '../../shared/pipeline/machine/task.ts';
import { conversion, ended, outputBucket, s3, start, workBucket } from './cloud.ts';

const lambda = new LambdaClient({});

async function functionNames(): Promise<Readonly<Record<StageName, string>>> {
  const deployed: string[] = [];
  for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {}))
    deployed.push(...Functions.map(({ FunctionName }) => FunctionName!));
  const named = (stage: StageName): string => deployed.find((name) => name.includes(`-${STAGES[stage].functionName}`))!;
  return Object.fromEntries(STAGE_NAMES.map((stage) => [stage, named(stage)])) as Record<StageName, string>;
}

const invoke: Resource = async (args) => {
  const { FunctionName, Payload } = args as { FunctionName: string; Payload: Json };
  const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(Payload)) }));
  const payload = JSON.parse(Buffer.from(answer.Payload!).toString()) as Json;
  if (answer.FunctionError)
    throw new StatesError((payload as { errorType: string }).errorType, JSON.stringify(payload));
  return { StatusCode: 200, Payload: payload };
};

const runExecution: Resource = async (args) => {
  const { status, output, error, cause } = await ended(await start((args as { Input: object }).Input));
  if (status === 'SUCCEEDED') return { Status: status, Output: JSON.parse(output!) as Json };
  throw new StatesError('States.TaskFailed', JSON.stringify({ Status: status, Error: error, Cause: cause }));
};

const startExecution: Resource = async (args) => ({
  ExecutionArn: await start((args as { Input: object }).Input),
});

/** What runs stages where no function holds the model. */
export type Tasks = NonNullable<FerryOptions['fargate']>;

export interface Interpreted {
  readonly outcome: Outcome;
  /** Details of the events that it sent. */
  readonly events: readonly Record<string, Json>[];
}

/** `machine` is made of the names of what is deployed. */
export async function interpreted(
  machine: (names: MachineNames) => StateMachine,
  input: Json,
  { tasks, ...how }: { readonly name?: string; readonly redrive?: Checkpoint; readonly tasks?: Tasks } = {},
): Promise<Interpreted> {
  const events: Record<string, Json>[] = [];
  const putEvents: Resource = (args) => {
    const { Entries } = args as { Entries: readonly { Detail: Record<string, Json> }[] };
    events.push(...Entries.map(({ Detail }) => Detail));
    return Promise.resolve({ FailedEntryCount: 0, Entries: [] });
  };
  const names: MachineNames = {
    functions: await functionNames(),
    buckets: { output: outputBucket(), work: workBucket() },
    eventBus: 'default',
    largeFunctions: null,
    fargate: tasks?.fargate ?? null,
    tiers: tasks?.tiers ?? null,
    inputPrefix: '',
    batchPrefix: 'batch/',
    conversion: conversion(),
  };
  const resources = {
    [INVOKE]: invoke,
    [RUN_EXECUTION]: runExecution,
    [START_EXECUTION]: startExecution,
    [PUT_EVENTS]: putEvents,
    ...(tasks ? { [RUN_TASK]: tasks.runTask } : {}),
  };
  const tokens = tasks ? { tokens: tasks.tokens } : {};
  const outcome = await interpret(machine(names), input, {
    ...how,
    ...tokens,
    resources,
    files: mapFiles(s3Store(s3)),
  });
  return { outcome, events };
}
