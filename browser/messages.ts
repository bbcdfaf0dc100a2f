/** What the page and its workers say to each other: a worker is one run. */
import type { Verdict } from '../shared/report/report.ts';
import type { VariantDtype } from '../shared/choices.ts';
import type { RunStep } from '../serve/run.ts';

export type QuantizedDtype = Exclude<VariantDtype, 'fp32'>;

/** The page, once. */
export interface Order {
  readonly model: File;
  /** The data that was dropped with it. */
  readonly data: readonly File[];
  /** What to make besides FP32. */
  readonly also: QuantizedDtype | null;
  /** onnxruntime's program; null for models that are too large to be run here. */
  readonly wasm: ArrayBuffer | null;
  /** Names what the browser keeps of the run on disk; null where it keeps nothing. */
  readonly owner: string | null;
}

export interface Result {
  readonly name: string;
  readonly blob: Blob;
}

interface Step extends RunStep {
  readonly kind: 'step';
}

interface Done {
  readonly kind: 'done';
  readonly results: readonly Result[];
  readonly verdict: Verdict;
  readonly sentence: string;
}

interface Failed {
  readonly kind: 'failed';
  readonly code: string;
  readonly message: string;
}

/** The worker: steps, then one of the two ends. */
export type Told = Step | Done | Failed;
