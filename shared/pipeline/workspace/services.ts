/** What a stage is given besides its input: everything that differs between AWS, this machine and a test. */
import type { Billed } from '../../report/cost.ts';
import type { HostProcessor } from '../../runtime/host-processor.ts';
import type { HistoryFile } from '../../steps/tuning-history.ts';
import type { Json } from '../machine/asl.ts';
import type { ObjectStore } from './store.ts';

export interface Services {
  readonly store: ObjectStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Folder for temporary files; a stage makes its own folder in it and removes it. */
  readonly temporaryFolder: string;
  /** One line for whoever watches, with facts for a structured log. */
  readonly log: (message: string, facts?: Readonly<Record<string, unknown>>) => void;
  /** What models are run on; left out: not known. */
  readonly processor?: HostProcessor;
  /** Of the time a stage has; left out: there is no limit. */
  readonly secondsLeft?: () => number;
  /** What AWS bills of this invocation up to now, or would. */
  readonly billed?: () => Billed;
  /** Where trials are kept for another start; left out: among the records of the job. */
  readonly trialsFile?: (name: string) => HistoryFile;
  /** Set when the work may be given up. */
  readonly signal?: AbortSignal;
  /** Text of a report that lies where this job's will go, where the store does not hold that yet. */
  readonly earlierReport?: () => Promise<string | null>;
}

/** What a file of `stages/` exports as `run`. */
export type RunStage = (input: Json, services: Services) => Promise<Json>;
