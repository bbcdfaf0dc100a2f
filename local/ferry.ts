/** The pipeline on one machine: folders for buckets, functions for Lambdas, and the state machine that deploys. */
import type { Json, StateMachine } from '../shared/pipeline/machine/asl.ts';
import { batchStateMachine } from '../shared/pipeline/machine/batch-machine.ts';
import { loadStage } from '../shared/pipeline/stages/load.ts';
import { readText } from '../shared/pipeline/workspace/read-object.ts';
import type { RunStage, Services } from '../shared/pipeline/workspace/services.ts';
import { STAGE_NAMES, type StageName } from '../shared/pipeline/machine/stages.ts';
import { ferryStateMachine } from '../shared/pipeline/machine/state-machine.ts';
import { INVOKE, type MachineNames, PUT_EVENTS, START_EXECUTION } from '../shared/pipeline/machine/task.ts';
import type { MapFiles, Resource } from './execution.ts';
import { folderStore } from './folder-store.ts';
import { interpret, type InterpretOptions, type Outcome } from './interpreter.ts';
import { slots } from './slots.ts';
import { StatesError } from './states-error.ts';

export type FerryEvent =
  | {
      readonly kind: 'stage';
      readonly stage: StageName;
      readonly job: string | null;
      readonly variant: string | null;
      readonly status: 'started' | 'done' | 'failed';
    }
  /** What the machine sends to the event bus. */
  | { readonly kind: 'event'; readonly type: string; readonly detail: Json }
  | { readonly kind: 'log'; readonly message: string; readonly facts: Readonly<Record<string, unknown>> };

export interface FerryOptions {
  /** Folders. */
  readonly buckets: { readonly input: string; readonly output: string; readonly work: string };
  readonly temporaryFolder: string;
  readonly onEvent?: (event: FerryEvent) => void;
  /** Stages that run at a time. One by default: side by side they would disturb each other's measurements. */
  readonly concurrency?: number;
  /** Other code for some stages, and another clock and chance for the machine: for tests. */
  readonly stages?: Partial<Readonly<Record<StageName, RunStage>>>;
  readonly interpret?: Pick<InterpretOptions, 'clock' | 'random' | 'onEvent'>;
}

export interface Ferry {
  /** Convert one model: `{ bucket: 'input', key, ... }`, or an S3 event. */
  convert(input: Json, run?: RunOptions): Promise<Outcome>;
  /** Convert many: `{ bucket: 'input', manifest | prefix, ... }`. */
  batch(input: Json, run?: RunOptions): Promise<Outcome>;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Name of the execution. */
  readonly name?: string;
}

const NAMES: MachineNames = {
  // Object.fromEntries forgets the keys.
  functions: Object.fromEntries(STAGE_NAMES.map((stage) => [stage, stage])) as Record<StageName, string>,
  buckets: { output: 'output', work: 'work' },
  eventBus: 'default',
  maxModelBytes: null,
  conversion: 'conversion',
};

export function makeFerry(options: FerryOptions): Ferry {
  const store = folderStore(options.buckets);
  const emit = options.onEvent ?? (() => {});
  const takeSlot = slots(options.concurrency ?? 1);
  const clock = options.interpret?.clock;

  async function run(
    machine: StateMachine,
    machineName: string,
    input: Json,
    { signal, name }: RunOptions = {},
  ): Promise<Outcome> {
    const running = new Set<Promise<unknown>>();
    const services: Services = {
      store,
      now: () => clock?.now() ?? Date.now(),
      temporaryFolder: options.temporaryFolder,
      log: (message, facts = {}) => emit({ kind: 'log', message, facts }),
      ...(signal ? { signal } : {}),
    };
    const invoke: Resource = async (args) => {
      const { FunctionName, Payload } = args as { FunctionName: StageName; Payload: Json };
      const work = takeSlot(() => invokeStage(FunctionName, Payload, services));
      running.add(work);
      try {
        return { ExecutedVersion: '$LATEST', StatusCode: 200, Payload: await work };
      } finally {
        running.delete(work);
      }
    };
    const resources = {
      [INVOKE]: invoke,
      [PUT_EVENTS]: putEvents,
      [START_EXECUTION]: startConversion(running, signal),
    };
    const outcome = await interpret(machine, input, {
      ...options.interpret,
      resources,
      files: filesOf(),
      timeouts: false,
      machineName,
      ...(signal ? { signal } : {}),
      ...(name === undefined ? {} : { name }),
    });
    // An aborted stage may still be at work on files that the caller is about to remove.
    await Promise.allSettled(running);
    return outcome;
  }

  async function invokeStage(stage: StageName, payload: Json, services: Services): Promise<Json> {
    services.signal?.throwIfAborted();
    const { job, variant } = payload as { job?: { id: string } | null; variant?: { name: string } };
    const about = { kind: 'stage', stage, job: job?.id ?? null, variant: variant?.name ?? null } as const;
    emit({ ...about, status: 'started' });
    try {
      const runStage = options.stages?.[stage] ?? (await loadStage(stage));
      // Through JSON, as between two Lambdas: what does not survive it must not be relied on.
      const result = JSON.parse(
        JSON.stringify(await runStage(JSON.parse(JSON.stringify(payload)) as Json, services)),
      ) as Json;
      emit({ ...about, status: 'done' });
      return result;
    } catch (thrown) {
      emit({ ...about, status: 'failed' });
      throw lambdaError(thrown);
    }
  }

  const putEvents: Resource = async (args) => {
    const { Entries } = args as { Entries: readonly { DetailType: string; Detail: Json }[] };
    for (const { DetailType, Detail } of Entries) emit({ kind: 'event', type: DetailType, detail: Detail });
    return { FailedEntryCount: 0, Entries: Entries.map((_, i) => ({ EventId: String(i) })) };
  };

  /** As `states:startExecution.sync:2` answers: the description of the execution, its output as JSON. */
  const startConversion =
    (running: Set<Promise<unknown>>, signal?: AbortSignal): Resource =>
    async (args) => {
      const { Input } = args as { Input: Json };
      const started = run(ferryStateMachine(NAMES), 'conversion', Input, signal ? { signal } : {});
      // The batch waits for what it started, too, before its caller cleans up.
      running.add(started);
      const outcome = await started.finally(() => running.delete(started));
      const description = { Name: outcome.name, Status: outcome.status, StateMachineArn: NAMES.conversion };
      if (outcome.status === 'SUCCEEDED') return { ...description, Output: outcome.output };
      const failure = outcome.status === 'ABORTED' ? {} : { Error: outcome.error, Cause: outcome.cause };
      throw new StatesError('States.TaskFailed', JSON.stringify({ ...description, ...failure }));
    };

  const filesOf = (): MapFiles => ({
    read: (bucket, key) => readText(store, { bucket, key }),
    async *list(bucket, prefix) {
      for await (const { key, size, version } of store.list(bucket, prefix))
        yield { Key: key, Size: size, ETag: version };
    },
    write: async (bucket, key, text) =>
      void (await store.putBytes(bucket, key, Buffer.from(text), { contentType: 'application/json' })),
  });

  return {
    convert: (input, runOptions) => run(ferryStateMachine(NAMES), 'conversion', input, runOptions),
    batch: (input, runOptions) => run(batchStateMachine(NAMES), 'batch', input, runOptions),
  };
}

/** As Lambda reports what a function threw: the error's name, and its message in JSON. */
function lambdaError(thrown: unknown): StatesError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return new StatesError(
    error.name,
    JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }),
  );
}
