/**
 * Stages that run models, each in a process of its own, as on AWS: a model may hold a loop without an end, or end the
 * process that runs it, and the job goes on with its report.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Json } from '../shared/pipeline/machine/asl.ts';
import { type StageName, STAGES } from '../shared/pipeline/machine/stages.ts';
import type { RunStage } from '../shared/pipeline/workspace/services.ts';
import type { HostProcessor } from '../shared/runtime/host-processor.ts';
import { inChild } from './child.ts';
import { type ChildPool, childPool } from './child-pool.ts';

export interface StageTask {
  readonly stage: StageName;
  readonly payload: Json;
  readonly buckets: Readonly<Record<string, string>>;
  /** Keys of the input that are files elsewhere. */
  readonly given: ReadonlyMap<string, string>;
  readonly temporaryFolder: string;
  readonly processor: HostProcessor | undefined;
  /** Where trials of earlier runs are. */
  readonly trialsFolder: string | undefined;
}

/** Of a stage on this machine, unless another limit is set: what calibrates for longer is rare. */
export const STAGE_SECONDS = 3600;

interface StageProcesses extends Pick<StageTask, 'buckets' | 'given' | 'processor' | 'trialsFolder'> {
  readonly seconds: number;
}

// Beside this file, in the sources and when they are built.
const CHILD = new URL(`./stage-child${extname(import.meta.url)}`, import.meta.url);

/** Stages that run models, with a limit of time for each. */
export function stageProcesses({ seconds, ...how }: StageProcesses): Partial<Record<StageName, RunStage>> {
  const running = Object.entries(STAGES).filter(([, { needsOnnxRuntime }]) => needsOnnxRuntime);
  const pool = childPool(CHILD);
  return Object.fromEntries(
    running.map(([stage, { doing }]) => [stage, runIn(stage as StageName, { ...how, doing, seconds, pool })]),
  );
}

interface OneStage {
  readonly doing: string;
  readonly pool: ChildPool;
}

const runIn =
  (stage: StageName, { doing, seconds, pool, ...how }: StageProcesses & OneStage): RunStage =>
  async (payload, { temporaryFolder: parent, signal, log }) => {
    // What an ended process leaves goes with it.
    const temporaryFolder = await mkdtemp(join(parent, 'stage-'));
    try {
      return await inChild<Json>({
        module: pool,
        task: { stage, payload, temporaryFolder, ...how } satisfies StageTask,
        about: modelOf(payload),
        doing,
        seconds,
        signal,
        onTold: (told) => {
          const { message, facts } = told as { message: string; facts?: Readonly<Record<string, unknown>> };
          log(message, facts);
        },
      });
    } finally {
      await rm(temporaryFolder, { recursive: true, force: true });
    }
  };

/** As the report calls it; the payload is made by our own state machine. */
const modelOf = (payload: Json): string =>
  String((payload as { readonly variant?: { readonly name?: string } | null }).variant?.name ?? 'the model');
