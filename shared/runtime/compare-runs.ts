/** A model against PyTorch's outputs, and against FP32 and labels sample by sample. */
import type { Accuracy, Comparison } from '../report/report.ts';
import type { Tell } from '../bytes/advance.ts';
import { fail } from '../errors.ts';
import { asFloats } from '../tensor/arithmetic.ts';
import { isFloat } from '../tensor/dtype.ts';
import { largestAt } from './class-scores.ts';
import { compareOutput, type OutputComparer, type Tolerance } from './compare.ts';
import { type Declared, type MemoryTensor, type MemoryTensors, type Session } from './session.ts';
import type { Batch, Samples } from './samples.ts';
import { actualText } from './shapes.ts';
import { toldBatches } from './told-batches.ts';
import type { SamplePlace } from './worst-samples.ts';
import { type BaseFeeds, rowsOf, type ValidationRequest } from './validation-request.ts';

/** Samples of one run while comparing with FP32 and counting labels. */
const COMPARE_BATCH = 16;

function makeComparers(outputs: readonly Declared[], tolerance: Tolerance): Map<string, OutputComparer> {
  return new Map(outputs.map(({ name, type }) => [name, compareOutput(name, type.dtype, tolerance)]));
}

const comparison = (
  against: Comparison['against'],
  {
    samples,
    tolerance: { rtol, atol },
    comparers,
  }: {
    readonly samples: number;
    readonly tolerance: Tolerance;
    readonly comparers: ReadonlyMap<string, OutputComparer>;
  },
): Comparison => ({
  against,
  samples,
  rtol,
  atol,
  outputs: [...comparers.values()].map((c) => c.result()),
});

export async function compareWithPytorch(
  session: Session,
  reference: { inputs: MemoryTensors; outputs: MemoryTensors },
  tolerance: Tolerance,
): Promise<Comparison> {
  const compared = session.outputs.filter((o) => reference.outputs.has(o.name));
  const comparers = makeComparers(compared, tolerance);
  const results = await session.run(reference.inputs);
  const samples = rowsOf(reference.inputs);
  const place = { first: 0, count: samples, rows: samples };
  addAll(comparers, { actual: results, reference: reference.outputs, file: 'the reference', place });
  return comparison('pytorch', { samples, tolerance, comparers });
}

export interface SampleRun {
  readonly samples: number;
  readonly comparison: Comparison | null;
  readonly accuracy: Accuracy | null;
}

function addAll(
  comparers: ReadonlyMap<string, OutputComparer>,
  {
    actual,
    reference,
    file,
    place,
  }: {
    readonly actual: MemoryTensors;
    readonly reference: MemoryTensors;
    readonly file: string;
    readonly place: SamplePlace;
  },
): void {
  for (const [name, comparer] of comparers) {
    const [a, r] = [actual.get(name)!, reference.get(name)!];
    if (actualText(a) !== actualText(r))
      fail('BadReferenceData', {
        file,
        problem: `output "${name}" is ${actualText(r)} there`,
        expected: `${actualText(a)}, as the model gives`,
      });
    comparer.add(a, r, place);
  }
}

interface Sampling {
  readonly session: Session;
  readonly fp32: Session | null;
  readonly base: BaseFeeds;
  readonly tolerance: Tolerance;
}

/** Every sample through the model, and through FP32 next to it: one pass for the comparison and for the labels. */
export async function runSamples(
  request: ValidationRequest,
  { session, fp32, base, tolerance }: Sampling,
): Promise<SampleRun> {
  const labels = request.samples?.labels ?? null;
  const scores = scoresOf(session);
  if (!fp32 && !(labels && scores)) return { samples: base.samples, comparison: null, accuracy: null };
  const comparers = makeComparers(session.outputs, tolerance);
  let samples = 0;
  let correct = 0;
  const batches = request.samples
    ? told(request.samples, request.tell)
    : [{ feeds: base.feeds, samples: base.samples }];
  for await (const batch of batches) {
    const results = await session.run(batch.feeds);
    if (fp32) {
      const place = { first: samples, count: batch.samples, rows: rowsOf(batch.feeds) };
      addAll(comparers, { actual: results, reference: await fp32.run(batch.feeds), file: `"${fp32.file}"`, place });
    }
    if (labels && scores)
      correct += countCorrect(results.get(scores)!, labels.subarray(samples, samples + batch.samples));
    samples += batch.samples;
  }
  return {
    samples,
    comparison: fp32 ? comparison('fp32', { samples, tolerance, comparers }) : null,
    accuracy: labels && scores && samples > 0 ? { top1: correct / samples, correct, samples } : null,
  };
}

const told = (samples: Samples, tell: Tell | undefined): AsyncIterable<Batch> => {
  const batches = samples.batches(COMPARE_BATCH);
  return tell ? toldBatches(batches, { doing: 'validating', of: samples.count, tell }) : batches;
};

/** The first floating-point output with a row of scores per sample. */
const scoresOf = (session: Session): string | null =>
  session.outputs.find(({ type }) => isFloat(type.dtype) && type.shape.length === 2)?.name ?? null;

function countCorrect(scores: MemoryTensor, labels: Float64Array): number {
  const values = asFloats(scores.dtype, scores.memory);
  const classes = scores.shape[1]!;
  let correct = 0;
  labels.forEach((label, row) => {
    if (largestAt(values, row * classes, classes) === label) correct++;
  });
  return correct;
}
