/** A run as the page shows it, and how it is kept: a folder with what was dropped, what came out, and run.json. */
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FerryEvent } from '../local/ferry-event.ts';
import type { StageName } from '../shared/pipeline/machine/stages.ts';
import type { Verdict } from '../shared/report/report.ts';

export interface RunStep {
  readonly stage: StageName;
  readonly variant: string | null;
  readonly status: 'started' | 'done' | 'failed';
}

export const STATUSES = ['uploading', 'waiting', 'running', 'stopping', 'done', 'failed', 'stopped'] as const;
export type RunStatus = (typeof STATUSES)[number];

export interface Run {
  readonly id: string;
  readonly model: string;
  /** Names of the files that belong to it. */
  readonly inputs: readonly string[];
  readonly created: string;
  readonly status: RunStatus;
  readonly steps: readonly RunStep[];
  readonly verdict: Verdict | null;
  /** The verdict's, or the failure's. */
  readonly sentence: string | null;
  /** Of the failure. */
  readonly code: string | null;
  /** Paths below its results, with slashes. */
  readonly files: readonly string[];
}

export const isOver = ({ status }: Run): boolean => status === 'done' || status === 'failed' || status === 'stopped';

/** The steps after an event of the machine: a stage that starts is a new row, one that ends closes its row. */
export function withEvent(steps: readonly RunStep[], event: FerryEvent): readonly RunStep[] {
  if (event.kind !== 'stage') return steps;
  const { stage, variant, status } = event;
  const step: RunStep = { stage, variant, status };
  const at = steps.findLastIndex((s) => s.stage === stage && s.variant === variant);
  return status === 'started' || at < 0 ? [...steps, step] : steps.with(at, step);
}

const FILE = 'run.json';
export const inputFolder = (folder: string): string => join(folder, 'input');
export const resultFolder = (folder: string): string => join(folder, 'results');

/** Complete or as it was: a server that is killed leaves no half of it. */
export async function saveRun(folder: string, run: Run): Promise<void> {
  const path = join(folder, FILE);
  await writeFile(`${path}.partial`, `${JSON.stringify(run, null, 2)}\n`);
  await rename(`${path}.partial`, path);
}

/** The runs of an earlier server, oldest first. What was under way then is stopped. */
export async function loadRuns(root: string): Promise<readonly Run[]> {
  const names = await readdir(root);
  const runs = await Promise.all(names.map((name) => loadRun(join(root, name), name)));
  return runs.flatMap((run) => run ?? []).sort((a, b) => (a.created < b.created ? -1 : 1));
}

async function loadRun(folder: string, id: string): Promise<Run | null> {
  try {
    const run = JSON.parse(await readFile(join(folder, FILE), 'utf8')) as Run;
    if (run.id !== id || !STATUSES.includes(run.status)) return null;
    return isOver(run) ? run : { ...run, status: 'stopped', sentence: 'The server ended before the run did.' };
  } catch {
    // Another folder that lies there, or no folder at all.
    return null;
  }
}
