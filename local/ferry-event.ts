/** What can be watched of the pipeline on one machine. */
import type { Json } from '../shared/pipeline/machine/asl.ts';
import type { StageName } from '../shared/pipeline/machine/stages.ts';

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

export type Emit = (event: FerryEvent) => void;
