/** A run as the page shows it. */
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

/** The steps after another: a stage that starts is a new row, one that ends closes its row. */
export function withStep(steps: readonly RunStep[], { stage, variant, status }: RunStep): readonly RunStep[] {
  const step: RunStep = { stage, variant, status };
  const at = steps.findLastIndex((s) => s.stage === stage && s.variant === variant);
  return status === 'started' || at < 0 ? [...steps, step] : steps.with(at, step);
}
