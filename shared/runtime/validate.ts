/** Runs a model and says what is right and wrong with it: the validation stage without its files. */
import type { Check, Comparison, Latency, Machine, OperatorTimes, Validation } from '../report/report.ts';
import { conditionText, holdsFor } from '../tensor/condition.ts';
import { DEFAULT_TOLERANCE } from './compare.ts';
import { processorText } from './host-processor.ts';
import { measureLatency } from './latency.ts';
import { operatorTimes } from './operator-times.ts';
import { otherSizes, shapeOf } from './random-inputs.ts';
import { RUNTIME } from './onnxruntime.ts';
import { type Declared, type MemoryTensors, openSession, type Session, withSession } from './session.ts';
import { actualText, bindSizes, declarationProblems, resized } from './shapes.ts';
import { attempt, judge, judgeFinite, runChecked } from './run-checks.ts';
import { compareWithPytorch, runSamples, type SampleRun } from './compare-runs.ts';
import { type BaseFeeds, baseFeeds, type ValidationRequest } from './validation-request.ts';

/** Never refuses a model for what it does: a model that does not load or run is a failed check. */
export async function validateModel(request: ValidationRequest): Promise<Validation> {
  const checks: Check[] = [];
  const sessions: Session[] = [];
  try {
    const session = await attempt(checks, 'loads', () =>
      openSession(request.model, {
        ...(request.products === undefined ? {} : { products: request.products }),
        mapWeights: request.mapWeights,
      }),
    );
    if (!session) return validation(request, checks);
    sessions.push(session);
    const fp32 =
      request.fp32 === undefined ? null : await openSession(request.fp32, { mapWeights: request.mapWeights });
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
  const { model, products = 'default', mapWeights, reference, tolerance = DEFAULT_TOLERANCE } = request;
  return withSession(model, { products, mapWeights }, async (session) => {
    const base = await baseFeeds(request, (request.declared ?? session).inputs);
    const measure = (fp32: Session | null): Promise<SampleRun> =>
      runSamples(request, { session, fp32, base, tolerance });
    const measured = await (request.fp32 === undefined
      ? measure(null)
      : withSession(request.fp32, { mapWeights }, measure));
    const known = reference ? [await compareWithPytorch(session, reference, tolerance)] : [];
    const { comparison, accuracy } = measured;
    return { comparisons: [...known, ...(comparison ? [comparison] : [])], accuracy };
  });
}

type Measured = Partial<Pick<Validation, 'samples' | 'comparisons' | 'accuracy' | 'latency' | 'operatorTimes'>>;

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
  const times = await timesOf(request, base);
  const machine = machineOf(request, times);
  return validation(request, checks, {
    samples: onSamples.samples,
    comparisons,
    accuracy: onSamples.accuracy,
    latency: machine ? { ...latency, machine } : latency,
    ...(times ? { operatorTimes: times } : {}),
  });
}

const timesOf = async ({ model, workFolder, products, mapWeights, now }: ValidationRequest, { feeds }: BaseFeeds) =>
  workFolder === undefined
    ? null
    : operatorTimes(model, { feeds, workFolder, mapWeights, now, ...(products === undefined ? {} : { products }) });

const machineOf = ({ host }: ValidationRequest, times: OperatorTimes | null): Machine | null =>
  host === undefined
    ? null
    : { processor: processorText(host), cores: host.cores ?? null, threads: times?.threads ?? null };

const resizedFeeds = (
  inputs: readonly Declared[],
  feeds: MemoryTensors,
  sizes: ReadonlyMap<string, number>,
): MemoryTensors =>
  new Map(inputs.map(({ name, type }) => [name, resized(feeds.get(name)!, shapeOf(name, type.shape, sizes))]));
