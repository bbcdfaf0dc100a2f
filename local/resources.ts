/** What the tasks of our machines call, answering as AWS does: stages, the event bus, executions. */
import type { Json } from '../shared/pipeline/machine/asl.ts';
import type { StageName } from '../shared/pipeline/machine/stages.ts';
import { loadStage } from '../shared/pipeline/stages/load.ts';
import type { RunStage, Services } from '../shared/pipeline/workspace/services.ts';
import { billedHere } from './billing.ts';
import type { Resource } from './execution.ts';
import type { Emit } from './ferry-event.ts';
import type { Outcome } from './interpreter.ts';
import type { TakeSlot } from './slots.ts';
import { StatesError } from './states-error.ts';
import type { UnderWay } from './under-way.ts';

export interface Functions {
  readonly services: Services;
  readonly emit: Emit;
  readonly takeSlot: TakeSlot;
  readonly running: UnderWay;
  /** Other code for some stages. */
  readonly stages: Partial<Readonly<Record<StageName, RunStage>>>;
}

/** `lambda:invoke` */
export const invokeStage =
  (functions: Functions): Resource =>
  async (args) => {
    const { FunctionName, Payload } = args as { FunctionName: StageName; Payload: Json };
    const { takeSlot, running } = functions;
    const result = await running.add(takeSlot(() => runStage(FunctionName, Payload, functions)));
    return { ExecutedVersion: '$LATEST', StatusCode: 200, Payload: result };
  };

async function runStage(stage: StageName, payload: Json, { services, emit, stages }: Functions): Promise<Json> {
  services.signal?.throwIfAborted();
  const { job, variant } = payload as { job?: { id: string } | null; variant?: { name: string } };
  const about = { kind: 'stage', stage, job: job?.id ?? null, variant: variant?.name ?? null } as const;
  emit({ ...about, status: 'started' });
  try {
    const run = stages[stage] ?? (await loadStage(stage));
    const here = { ...services, ...billedHere(stage, services.store) };
    const result = throughJson(await run(throughJson(payload), here));
    emit({ ...about, status: 'done' });
    return result;
  } catch (thrown) {
    emit({ ...about, status: 'failed' });
    throw lambdaError(thrown);
  }
}

/** As between two Lambdas: what does not survive it must not be relied on. */
const throughJson = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json;

/** As Lambda reports what a function threw: the error's name, and its message in JSON. */
function lambdaError(thrown: unknown): StatesError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return new StatesError(
    error.name,
    JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }),
  );
}

/** `events:putEvents` */
export const putEvents =
  (emit: Emit): Resource =>
  async (args) => {
    const { Entries } = args as { Entries: readonly { DetailType: string; Detail: Json }[] };
    for (const { DetailType, Detail } of Entries) emit({ kind: 'event', type: DetailType, detail: Detail });
    return { FailedEntryCount: 0, Entries: Entries.map((_, i) => ({ EventId: String(i) })) };
  };

/** `states:startExecution`: nobody waits for its end. */
export const startExecution =
  (start: (input: Json) => Promise<Outcome>): Resource =>
  async (args) => {
    void start((args as { Input: Json }).Input);
    return { ExecutionArn: 'arn:aws:states:local:000000000000:execution:conversion:started' };
  };

/** `states:startExecution.sync:2`: the description of the execution, its output as JSON. */
export const runExecution =
  (machine: string, start: (input: Json) => Promise<Outcome>): Resource =>
  async (args) => {
    const outcome = await start((args as { Input: Json }).Input);
    const description = { Name: outcome.name, Status: outcome.status, StateMachineArn: machine };
    if (outcome.status === 'SUCCEEDED') return { ...description, Output: outcome.output };
    const failure = outcome.status === 'ABORTED' ? {} : { Error: outcome.error, Cause: outcome.cause };
    throw new StatesError('States.TaskFailed', JSON.stringify({ ...description, ...failure }));
  };
