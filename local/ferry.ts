/** The pipeline on one machine: folders for buckets, functions for Lambdas, and the state machine that deploys. */
import type { Json } from '../shared/pipeline/machine/asl.ts';
import { batchStateMachine } from '../shared/pipeline/machine/batch-machine.ts';
import { STAGE_NAMES, type StageName } from '../shared/pipeline/machine/stages.ts';
import { RUN_TASK } from '../shared/pipeline/machine/fargate-task.ts';
import { ferryStateMachine } from '../shared/pipeline/machine/state-machine.ts';
import {
  INVOKE,
  type MachineNames,
  PUT_EVENTS,
  RUN_EXECUTION,
  START_EXECUTION,
} from '../shared/pipeline/machine/task.ts';
import type { RunStage, Services } from '../shared/pipeline/workspace/services.ts';
import type { HostProcessor } from '../shared/runtime/host-processor.ts';
import type { ObjectStore } from '../shared/pipeline/workspace/store.ts';
import { trialsFile } from '../shared/steps/trials-file.ts';
import type { Resource } from './execution.ts';
import type { FerryEvent } from './ferry-event.ts';
import { folderStore } from './folder-store.ts';
import { type Checkpoint, interpret, type InterpretOptions, type Outcome } from './interpreter.ts';
import { mapFiles } from './map-files.ts';
import { invokeStage, putEvents, runExecution, startExecution } from './resources.ts';
import { slots } from './slots.ts';
import { stageProcesses } from './stage-process.ts';
import type { TaskTokens } from './task-tokens.ts';
import { underWay } from './under-way.ts';

export interface FerryOptions {
  /** Folders. */
  readonly buckets: { readonly input: string; readonly output: string; readonly work: string };
  /** Files elsewhere that stand among the inputs: key to path. */
  readonly given?: ReadonlyMap<string, string>;
  /** Other buckets than those folders, called `input`, `output` and `work`. */
  readonly store?: ObjectStore;
  readonly temporaryFolder: string;
  readonly onEvent?: (event: FerryEvent) => void;
  /** Text of a report that lies where the results will be moved to. */
  readonly earlierReport?: () => Promise<string | null>;
  /** Stages that run at a time. One by default: side by side they would disturb each other's measurements. */
  readonly concurrency?: number;
  /** Folder in which trials of a tuning lie until it is done; left out: among the records of the job. */
  readonly trialsFolder?: string;
  /** What models are run on. */
  readonly processor?: HostProcessor;
  /** Seconds for each stage that runs models, which then has a process of its own. With folders only. */
  readonly timeLimit?: number;
  /** Other code for some stages, and another clock and chance for the machine: for tests. */
  readonly stages?: Partial<Readonly<Record<StageName, RunStage>>>;
  readonly interpret?: Pick<InterpretOptions, 'clock' | 'random' | 'onEvent' | 'timeouts'>;
  /** Stages that run as tasks where no function holds the model, as in a deployment that has them. */
  readonly fargate?: Pick<MachineNames, 'fargate' | 'tiers'> & {
    readonly tokens: TaskTokens;
    readonly runTask: Resource;
  };
}

export interface Ferry {
  /** Convert one model: `{ bucket: 'input', key, ... }`, or an S3 event. */
  convert(input: Json, run?: RunOptions): Promise<Outcome>;
  /** Convert many: `{ bucket: 'input', manifest | prefix, ... }`. */
  batch(input: Json, run?: RunOptions): Promise<Outcome>;
  /** Let a conversion that did not succeed go on where it stopped. */
  redrive(input: Json, stopped: Outcome): Promise<Outcome>;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Name of the execution. */
  readonly name?: string;
  readonly redrive?: Checkpoint;
}

const NAMES: MachineNames = {
  // Object.fromEntries forgets the keys.
  functions: Object.fromEntries(STAGE_NAMES.map((stage) => [stage, stage])) as Record<StageName, string>,
  buckets: { output: 'output', work: 'work' },
  eventBus: 'default',
  largeFunctions: null,
  fargate: null,
  tiers: null,
  inputPrefix: '',
  batchPrefix: '',
  conversion: 'conversion',
};

const MACHINES = { conversion: ferryStateMachine, batch: batchStateMachine } as const;

type Stages = NonNullable<FerryOptions['stages']>;

function inProcesses({ timeLimit: seconds, store, buckets, given, processor, trialsFolder }: FerryOptions): Stages {
  if (seconds === undefined) return {};
  if (store) throw new Error('a process of its own knows folders only');
  return stageProcesses({ seconds, buckets, given: given ?? new Map(), processor, trialsFolder });
}

export function makeFerry(options: FerryOptions): Ferry {
  const store = options.store ?? folderStore(options.buckets, new Map(options.given ? [['input', options.given]] : []));
  const emit = options.onEvent ?? (() => {});
  const takeSlot = slots(options.concurrency ?? 1);
  const { temporaryFolder, processor, earlierReport, trialsFolder: folder } = options;
  const stages = { ...inProcesses(options), ...options.stages };
  const known = {
    ...(processor ? { processor } : {}),
    ...(earlierReport ? { earlierReport } : {}),
    ...(folder === undefined ? {} : { trialsFile: (name: string) => trialsFile(folder, name) }),
  };
  const { tokens, runTask, ...machines } = options.fargate ?? {};
  const now = (): number => options.interpret?.clock?.now() ?? Date.now();

  async function run(machine: keyof typeof MACHINES, input: Json, runOptions: RunOptions = {}): Promise<Outcome> {
    const running = underWay();
    const inherited = runOptions.signal ? { signal: runOptions.signal } : {};
    const log: Services['log'] = (message, facts = {}) => emit({ kind: 'log', message, facts });
    const services: Services = { store, now, temporaryFolder, log, ...known, ...inherited };
    const outcome = await interpret(MACHINES[machine]({ ...NAMES, ...machines }), input, {
      timeouts: false,
      ...options.interpret,
      ...(tokens ? { tokens } : {}),
      ...runOptions,
      resources: {
        [INVOKE]: invokeStage({ services, emit, takeSlot, running, stages }),
        [PUT_EVENTS]: putEvents(emit),
        [RUN_EXECUTION]: runExecution(NAMES.conversion, (each) => running.add(run('conversion', each, inherited))),
        ...(runTask ? { [RUN_TASK]: runTask } : {}),
        [START_EXECUTION]: startExecution((each) => running.add(run('conversion', each, inherited))),
      },
      files: mapFiles(store),
      machineName: machine,
    });
    // An aborted stage may still be at work on files that the caller is about to remove; so may what a batch started.
    await running.ended();
    return outcome;
  }

  return {
    convert: (input, runOptions) => run('conversion', input, runOptions),
    batch: (input, runOptions) => run('batch', input, runOptions),
    redrive: (input, { name, checkpoint }) => run('conversion', input, { name, redrive: checkpoint }),
  };
}
