/** An FP32 ONNX file to the INT8 ONNX file that is fast and accurate enough: `recipe: auto`. */
import { basename } from 'node:path';
import type { ByteSource } from '../bytes/byte-source.ts';
import { type AccuracyGoal, DEFAULT_PROCESSOR, DEFAULT_TUNING, type TuningBounds } from '../choices.ts';
import { fail } from '../errors.ts';
import { openModel } from '../onnx/proto/read.ts';
import { groupsFor, type Setting } from '../quantize/tuning/candidates.ts';
import { type Goal, goalOf, goalProblem, judgeBy, type Measurement } from '../quantize/tuning/goal.ts';
import { tune, type Tuned } from '../quantize/tuning/tune.ts';
import { findingText, goalText, layersText, measuredText } from '../report/goal.ts';
import type { Trial, Tuning } from '../report/quantization.ts';
import { type HostProcessor, UNKNOWN_PROCESSOR } from '../runtime/host-processor.ts';
import { readSamples, type Samples } from '../runtime/samples.ts';
import { RUNTIME } from '../runtime/onnxruntime.ts';
import { VERSION } from '../version.ts';
import { declaredOf } from './declared.ts';
import { jobWords } from './job-words.ts';
import { requireOnnx } from './onnx-model.ts';
import { calibrationSamples, type QuantizedFile, quantizeFile, type QuantizeFileRequest } from './quantize-file.ts';
import { TrialBench } from './trial-bench.ts';
import { DEFAULTS, TrialMaker } from './trial-maker.ts';
import { dataDigest, type HistoryFile, modelDigest, openHistory } from './tuning-history.ts';

export interface TuneFileRequest extends Pick<
  QuantizeFileRequest,
  'model' | 'path' | 'weights' | 'workFolder' | 'calibration' | 'signal' | 'job'
> {
  /** Holds in every trial; what it leaves open is tried. */
  readonly asked: Setting;
  /** What trials are judged on, `labels` being the array of classes in it; left out: the calibration data. */
  readonly data?: { readonly source: ByteSource; readonly labels?: string | undefined } | undefined;
  readonly accuracy?: AccuracyGoal | undefined;
  readonly bounds?: Partial<TuningBounds> | undefined;
  /** Left out: another start begins anew. */
  readonly history?: HistoryFile | undefined;
  /** What runs the trials here; left out, its sums may saturate. */
  readonly host?: HostProcessor | undefined;
  /** Milliseconds, with fractions. */
  readonly now: () => number;
  readonly onTrial?: ((trial: Trial, count: number) => void) | undefined;
}

/**
 * Fails with NothingToJudgeBy where there are no data or no numbers to judge by, and with AccuracyNotMet, which says
 * how near it came.
 */
export async function tuneFile(request: TuneFileRequest): Promise<QuantizedFile> {
  const { model, path, weights, workFolder, calibration, asked, signal, now } = request;
  await requireOnnx(model);
  const samples = await samplesFor(request);
  const { processor = DEFAULT_PROCESSOR } = asked;
  const bench = await TrialBench.open({ model, samples, processor, host: request.host ?? UNKNOWN_PROCESSOR, now });
  const { setting, tuning } = await search(request, bench).finally(() => bench.close());
  const { floatLayers = new Set<string>(), ...taken } = setting;
  const keepFloat = [...(setting.keepFloat ?? []), ...floatLayers];
  // With these another job makes the same model without a trial.
  const job = { ...request.job, ...jobWords({ ...taken, keepFloat }) };
  const files = { model, path, weights, workFolder, calibration, signal, job };
  const { facts, ...made } = await quantizeFile({ ...files, ...setting });
  const { data, calibration: { name } = { name: samples.file } } = request;
  const judgedOn = { file: data ? basename(data.source.name) : name, samples: samples.count };
  return { ...made, facts: { ...facts, tuning: { ...tuning, data: judgedOn } } };
}

interface Found {
  readonly setting: Pick<QuantizeFileRequest, 'approach' | 'format' | 'floatLayers'> & Setting;
  readonly tuning: Omit<Tuning, 'data'>;
}

async function search(request: TuneFileRequest, bench: TrialBench): Promise<Found> {
  const { model, weights, workFolder, calibration, asked, signal, now } = request;
  const fp32 = await bench.reference(signal);
  const goal = requireGoal(request, fp32);
  const judge = (found: Measurement) => judgeBy(goal, found, fp32);
  const { earlier, record } = await openHistory(request.history, await subjectOf(request, goal));
  const bounds = { ...DEFAULT_TUNING, ...request.bounds };
  const deadline = AbortSignal.timeout(Math.min(bounds.seconds * 1000, LONGEST_TIMER));
  const maker = new TrialMaker({ model, workFolder, calibration, weights, signal, bench, judge, deadline });
  const tuned = await tune({
    groups: groupsFor(asked, { hasCalibration: calibration !== undefined }),
    bounds,
    earlier,
    make: (plan) => maker.make(plan),
    layersOf: (candidate) => maker.layersOf(candidate),
    async record(trials) {
      await record(trials);
      request.onTrial?.(trials.at(-1)!, trials.length);
    },
    now,
  });
  const { candidate, trial } = tuned.chosen ?? notMet(request, { goal, tuned });
  const { trials, endedBy } = tuned;
  const float = trial.layers.kind === 'without' ? trial.layers.float : [];
  const { measured } = judge(fp32);
  return {
    setting: { ...DEFAULTS, ...candidate.setting, floatLayers: new Set(float) },
    tuning: { ...goal, fp32: { measured }, bounds, endedBy, trials, chosen: trials.indexOf(trial) },
  };
}

/** Of setTimeout. */
const LONGEST_TIMER = 2 ** 31 - 1;

async function samplesFor({ model: path, data, calibration }: TuneFileRequest): Promise<Samples> {
  const { model, close } = await openModel(path);
  close();
  const inputs = declaredOf(model, 'inputs');
  if (data) {
    const labels = data.labels === undefined ? {} : { labels: data.labels };
    return readSamples(data.source, inputs, { code: 'BadReferenceData', ...labels });
  }
  if (calibration) return calibrationSamples(calibration, inputs);
  return fail('NothingToJudgeBy', {
    file: basename(path),
    problem: 'there are neither test nor calibration data',
    hint: 'give samples of what it will see (test_data with labels is best), or say how to quantize',
  });
}

/** The goal, which FP32 itself has to meet. */
function requireGoal({ model, accuracy = {} }: TuneFileRequest, fp32: Measurement): Goal {
  const file = basename(model);
  const goal = goalOf(accuracy, fp32);
  if (!goal)
    return fail('NothingToJudgeBy', {
      file,
      problem: goalProblem(accuracy) ?? `the data and the outputs have no ${accuracy.metric ?? 'number'} to measure`,
      hint: 'name another metric (accuracy), or give labels',
    });
  const { met, measured } = judgeBy(goal, fp32, fp32);
  if (met) return goal;
  return fail('AccuracyNotMet', {
    file,
    goal: goalText(goal),
    nearest: `FP32 itself has ${measuredText(goal.metric, measured)}`,
    hint: 'ask for less, or give data for which its outputs are finite',
  });
}

interface Missed {
  readonly goal: Goal;
  readonly tuned: Tuned;
}

function notMet({ model }: TuneFileRequest, { goal, tuned: { trials, endedBy } }: Missed): never {
  const models = trials.filter(({ layers }) => layers.kind !== 'only');
  const nearest = models.toSorted((a, b) => (b.sqnr ?? -Infinity) - (a.sqnr ?? -Infinity))[0];
  return fail('AccuracyNotMet', {
    file: basename(model),
    goal: goalText(goal),
    nearest: nearest
      ? `the nearest of ${trials.length} trials (${nearest.name}, layers: ${layersText(nearest.layers)}) has ` +
        findingText(goal.metric, nearest)
      : 'nothing was tried',
    hint:
      endedBy === null
        ? 'allow more, or use FP32'
        : `the ${endedBy} of the tuning are used up: allow more of them; what was tried is not tried again`,
  });
}

/** Whatever decides what a trial finds. */
const subjectOf = async (request: TuneFileRequest, goal: Goal): Promise<unknown> => ({
  torchferry: VERSION,
  runtime: RUNTIME,
  host: request.host ?? UNKNOWN_PROCESSOR,
  model: await modelDigest(request.model, request.signal),
  calibration: await dataDigest(request.calibration),
  data: await dataDigest(request.data),
  labels: request.data?.labels ?? null,
  asked: request.asked,
  goal,
});
