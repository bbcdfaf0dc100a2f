/** What a validation is asked for, and the inputs it begins with. */
import type { Tell } from '../bytes/advance.ts';
import type { Validation } from '../report/report.ts';
import { type Condition } from '../tensor/condition.ts';
import { type Tolerance } from './compare.ts';
import type { HostProcessor } from './host-processor.ts';
import { firstSizes, randomFrom, randomInputs, type SizeRange } from './random-inputs.ts';
import type { Samples } from './samples.ts';
import { type Declared, type MemoryTensors, type SessionOptions } from './session.ts';

export interface ValidationRequest {
  /** Path of the .onnx, beside which weights may lie, or its bytes. */
  readonly model: string | Uint8Array;
  /** What the program promises; left out: what the file says of itself. */
  readonly declared?: { readonly inputs: readonly Declared[]; readonly outputs: readonly Declared[] };
  /** Sizes the program allows for its symbols. */
  readonly ranges?: ReadonlyMap<string, SizeRange>;
  /** Conditions on sizes that the program was recorded under. */
  readonly conditions?: readonly Condition[];
  /** Example inputs that came with the model. */
  readonly archive?: MemoryTensors;
  /** Samples the user gave; they win over the archive's. */
  readonly samples?: Samples;
  /** Inputs and what PyTorch computed from them. */
  readonly reference?: { readonly inputs: MemoryTensors; readonly outputs: MemoryTensors };
  /** The FP32 model that this one was made of. */
  readonly fp32?: string | Uint8Array;
  readonly products?: SessionOptions['products'];
  readonly mapWeights?: SessionOptions['mapWeights'];
  readonly tolerance?: Tolerance;
  readonly seed?: number;
  /** Where onnxruntime may write what operators take; left out, that is not measured. */
  readonly workFolder?: string;
  /** Hears how many samples have been run and compared. */
  readonly tell?: Tell | undefined;
  /** What runs it here. */
  readonly host?: HostProcessor;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface BaseFeeds {
  readonly kind: Validation['data'];
  readonly feeds: MemoryTensors;
  readonly samples: number;
  /** Length of the leading axis of the first input; 1 where it has none. */
  readonly batch: number;
}

/** Length of the leading axis of the first input; 1 where it has none. */
export const rowsOf = (feeds: MemoryTensors): number => [...feeds.values()][0]?.shape[0] ?? 1;

export async function baseFeeds(request: ValidationRequest, inputs: readonly Declared[]): Promise<BaseFeeds> {
  const of = (kind: Validation['data'], feeds: MemoryTensors, samples?: number): BaseFeeds => {
    const batch = rowsOf(feeds);
    return { kind, feeds, samples: samples ?? batch, batch };
  };
  if (request.samples) {
    for await (const { feeds, samples } of request.samples.batches(1)) return of('file', feeds, samples);
  }
  if (request.archive) return of('archive', request.archive);
  return of('random', randomInputs(inputs, firstSizes(inputs, request), randomFrom(request.seed ?? 0)));
}
