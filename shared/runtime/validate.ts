/** Runs a model and says what is right and wrong with it: the validation stage without its files. */
import type { Accuracy, Check, Comparison, Latency, Validation } from '../report/report.ts';
import { fail, isFailure } from '../errors.ts';
import { type Condition, conditionText, holdsFor } from '../tensor/condition.ts';
import { asFloats, extentOf } from '../tensor/arithmetic.ts';
import { isFloat } from '../tensor/dtype.ts';
import { compareOutput, DEFAULT_TOLERANCE, largestAt, type OutputComparer, type Tolerance } from './compare.ts';
import { measureLatency } from './latency.ts';
import { firstSizes, otherSizes, randomFrom, randomInputs, shapeOf, type SizeRange } from './random-inputs.ts';
import type { Samples } from './samples.ts';
import {
  type Declared,
  type MemoryTensor,
  type MemoryTensors,
  openSession,
  RUNTIME,
  type Session,
  type SessionOptions,
  withSession,
} from './session.ts';
import { actualText, bindSizes, declarationProblems, resized } from './shapes.ts';

export interface ValidationRequest {
  /** Path of the .onnx; weights may lie beside it. */
  readonly model: string;
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
  /** Path of the FP32 model that this one was made of. */
  readonly fp32?: string;
  readonly products?: SessionOptions['products'];
  readonly tolerance?: Tolerance;
  readonly seed?: number;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Samples of one run while comparing with FP32 and counting labels. */
const COMPARE_BATCH = 16;

/** Never refuses a model for what it does: a model that does not load or run is a failed check. */
export async function validateModel(request: ValidationRequest): Promise<Validation> {
  const checks: Check[] = [];
  const sessions: Session[] = [];
  try {
    const session = await attempt(checks, 'loads', () =>
      openSession(request.model, request.products === undefined ? {} : { products: request.products }),
    );
    if (!session) return validation(request, checks);
    sessions.push(session);
    const fp32 = request.fp32 === undefined ? null : await openSession(request.fp32);
    if (fp32) sessions.push(fp32);
    return await runAll(request, checks, { session, fp32 });
  } finally {
    for (const session of sessions) await session.release();
  }
}

/**
 * The comparisons and the accuracy of `validateModel` alone, for a model that passed its checks: with other options of
 * the session.
 */
export async function measureModel(request: ValidationRequest): Promise<Pick<Validation, 'comparisons' | 'accuracy'>> {
  const { model, products = 'default', reference, tolerance = DEFAULT_TOLERANCE } = request;
  return withSession(model, { products }, async (session) => {
    const base = await baseFeeds(request, (request.declared ?? session).inputs);
    const measure = (fp32: Session | null): Promise<SampleRun> =>
      runSamples(request, { session, fp32, base, tolerance });
    const measured = await (request.fp32 === undefined ? measure(null) : withSession(request.fp32, {}, measure));
    const known = reference ? [await compareWithPytorch(session, reference, tolerance)] : [];
    const { comparison, accuracy } = measured;
    return { comparisons: [...known, ...(comparison ? [comparison] : [])], accuracy };
  });
}

type Measured = Partial<Pick<Validation, 'samples' | 'comparisons' | 'accuracy' | 'latency'>>;

const validation = (request: ValidationRequest, checks: readonly Check[], measured: Measured = {}): Validation => ({
  checks,
  data: request.samples ? 'file' : request.archive ? 'archive' : 'random',
  samples: 0,
  comparisons: [],
  accuracy: null,
  latency: null,
  ...measured,
  runtime: RUNTIME,
});

async function runAll(
  request: ValidationRequest,
  checks: Check[],
  { session, fp32 }: { readonly session: Session; readonly fp32: Session | null },
): Promise<Validation> {
  const declared = request.declared ?? session;
  judge(checks, 'declared inputs and outputs', {
    problems: [
      ...declarationProblems('input', declared.inputs, session.inputs),
      ...declarationProblems('output', declared.outputs, session.outputs),
    ],
    good: 'as declared',
  });
  if (checks.some((c) => !c.passed)) return validation(request, checks);

  const base = await baseFeeds(request, declared.inputs);
  const { sizes, problems } = bindSizes(declared.inputs, base.feeds);
  problems.push(
    ...(request.conditions ?? [])
      .filter((condition) => holdsFor(condition, sizes) === false)
      .map((condition) => `the program was recorded for ${conditionText(condition)}; these are other sizes`),
  );
  judge(checks, 'sample inputs', {
    problems,
    good: [...base.feeds].map(([name, t]) => `${name} ${actualText(t)}`).join(', '),
  });
  if (problems.length) return validation(request, checks);

  const first = await runChecked(checks, session, { outputs: declared.outputs, feeds: base.feeds, sizes });
  const others = otherSizes(declared.inputs, sizes, request);
  if (others)
    await runChecked(checks, session, {
      outputs: declared.outputs,
      feeds: resizedFeeds(declared.inputs, base.feeds, others),
      sizes: others,
    });
  if (!first || checks.some((c) => !c.passed)) return validation(request, checks, { samples: base.samples });

  const comparisons: Comparison[] = [];
  const tolerance = request.tolerance ?? DEFAULT_TOLERANCE;
  const { reference } = request;
  if (reference)
    await attempt(checks, 'comparable with the reference', async () =>
      comparisons.push(await compareWithPytorch(session, reference, tolerance)),
    );
  const onSamples = await attempt(checks, 'runs on all samples', () =>
    runSamples(request, { session, fp32, base, tolerance }),
  );
  if (!onSamples) return validation(request, checks, { samples: base.samples, comparisons });
  if (onSamples.comparison) comparisons.push(onSamples.comparison);
  judgeFinite(checks, { comparisons, outputs: first, isRandom: base.kind === 'random' });
  const latency: Latency = await measureLatency({
    session,
    fp32,
    feeds: base.feeds,
    batch: base.batch,
    now: request.now,
  });
  return validation(request, checks, {
    samples: onSamples.samples,
    comparisons,
    accuracy: onSamples.accuracy,
    latency,
  });
}

/** A check that passes when the work succeeds; a typed failure fails it, a bug stays a bug. */
async function attempt<T>(checks: Check[], name: string, work: () => Promise<T>): Promise<T | null> {
  try {
    const result = await work();
    checks.push({ name, passed: true, detail: '' });
    return result;
  } catch (error) {
    if (!isFailure(error)) throw error;
    checks.push({ name, passed: false, detail: error.message });
    return null;
  }
}

function judge(
  checks: Check[],
  name: string,
  { problems, good }: { readonly problems: readonly string[]; readonly good: string },
): void {
  checks.push({ name, passed: problems.length === 0, detail: problems.length ? problems.join('; ') : good });
}

interface BaseFeeds {
  readonly kind: Validation['data'];
  readonly feeds: MemoryTensors;
  readonly samples: number;
  /** Length of the leading axis of the first input; 1 where it has none. */
  readonly batch: number;
}

async function baseFeeds(request: ValidationRequest, inputs: readonly Declared[]): Promise<BaseFeeds> {
  const of = (kind: Validation['data'], feeds: MemoryTensors, samples?: number): BaseFeeds => {
    const batch = [...feeds.values()][0]?.shape[0] ?? 1;
    return { kind, feeds, samples: samples ?? batch, batch };
  };
  if (request.samples) {
    for await (const { feeds, samples } of request.samples.batches(1)) return of('file', feeds, samples);
  }
  if (request.archive) return of('archive', request.archive);
  return of('random', randomInputs(inputs, firstSizes(inputs, request), randomFrom(request.seed ?? 0)));
}

const resizedFeeds = (
  inputs: readonly Declared[],
  feeds: MemoryTensors,
  sizes: ReadonlyMap<string, number>,
): MemoryTensors =>
  new Map(inputs.map(({ name, type }) => [name, resized(feeds.get(name)!, shapeOf(name, type.shape, sizes))]));

interface Run {
  readonly outputs: readonly Declared[];
  readonly feeds: MemoryTensors;
  readonly sizes: ReadonlyMap<string, number>;
}

/** Run once and hold the outputs against their declaration. */
async function runChecked(
  checks: Check[],
  session: Session,
  { outputs, feeds, sizes }: Run,
): Promise<MemoryTensors | null> {
  const name = sizes.size
    ? `runs with ${[...sizes].map(([symbol, size]) => `${symbol} = ${size}`).join(', ')}`
    : 'runs';
  let results: MemoryTensors;
  try {
    results = await session.run(feeds);
  } catch (error) {
    if (!isFailure(error)) throw error;
    judge(checks, name, { problems: [error.message], good: '' });
    return null;
  }
  const missing = outputs.filter((o) => !results.has(o.name)).map((o) => `output "${o.name}" is missing`);
  judge(checks, name, {
    problems: [...missing, ...bindSizes(outputs, results, sizes).problems],
    good: [...results].map(([n, t]) => `${n} ${actualText(t)}`).join(', '),
  });
  return results;
}

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

async function compareWithPytorch(
  session: Session,
  reference: { inputs: MemoryTensors; outputs: MemoryTensors },
  tolerance: Tolerance,
): Promise<Comparison> {
  const compared = session.outputs.filter((o) => reference.outputs.has(o.name));
  const comparers = makeComparers(compared, tolerance);
  const results = await session.run(reference.inputs);
  addAll(comparers, { actual: results, reference: reference.outputs, file: 'the reference' });
  const samples = [...reference.inputs.values()][0]?.shape[0] ?? 1;
  return comparison('pytorch', { samples, tolerance, comparers });
}

interface SampleRun {
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
  }: { readonly actual: MemoryTensors; readonly reference: MemoryTensors; readonly file: string },
): void {
  for (const [name, comparer] of comparers) {
    const [a, r] = [actual.get(name)!, reference.get(name)!];
    if (actualText(a) !== actualText(r))
      fail('BadReferenceData', {
        file,
        problem: `output "${name}" is ${actualText(r)} there`,
        expected: `${actualText(a)}, as the model gives`,
      });
    comparer.add(a, r);
  }
}

/** Every sample through the model, and through FP32 next to it: one pass for the comparison and for the labels. */
interface Sampling {
  readonly session: Session;
  readonly fp32: Session | null;
  readonly base: BaseFeeds;
  readonly tolerance: Tolerance;
}

async function runSamples(
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
    ? request.samples.batches(COMPARE_BATCH)
    : [{ feeds: base.feeds, samples: base.samples }];
  for await (const batch of batches) {
    const results = await session.run(batch.feeds);
    if (fp32) {
      addAll(comparers, { actual: results, reference: await fp32.run(batch.feeds), file: `"${fp32.file}"` });
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

/**
 * NaN and infinities may stand only where the reference has them. Made-up inputs prove nothing: log of a negative
 * number is NaN in PyTorch too.
 */
function judgeFinite(
  checks: Check[],
  {
    comparisons,
    outputs,
    isRandom,
  }: { readonly comparisons: readonly Comparison[]; readonly outputs: MemoryTensors; readonly isRandom: boolean },
): void {
  const unlike = comparisons.flatMap((c) =>
    c.outputs
      .filter((o) => Number.isNaN(o.maxAbsDiff))
      .map((o) => `output "${o.output}" has NaN or infinity where ${c.against} has none, or the other way round`),
  );
  const compared = new Set(comparisons.flatMap((c) => c.outputs.map((o) => o.output)));
  const bad = [...outputs].filter(
    ([name, t]) => !compared.has(name) && isFloat(t.dtype) && !extentOf(asFloats(t.dtype, t.memory)).finite,
  );
  const seen = bad.map(([name]) => `output "${name}" has NaN or infinity`);
  if (isRandom && seen.length)
    judge(checks, 'finite outputs', {
      problems: unlike,
      good: `${seen.join('; ')}; not judged, because the inputs are random and nothing was there to compare with`,
    });
  else judge(checks, 'finite outputs', { problems: [...unlike, ...seen], good: 'all finite' });
}
