/** Makes the models that a tuning tries, one at a time in a work folder, and has them measured. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_FORMAT } from '../choices.ts';
import { type FailureCode, isFailure } from '../errors.ts';
import type { WrittenModel } from '../onnx/proto/write.ts';
import { KnownRanges } from '../quantize/known-ranges.ts';
import type { QuantizedLayer } from '../quantize/quantize.ts';
import type { Candidate } from '../quantize/tuning/candidates.ts';
import type { Judged, Measurement } from '../quantize/tuning/goal.ts';
import type { Finding, TrialPlan } from '../quantize/tuning/trials.ts';
import { quantizeFile, type QuantizedFile, type QuantizeFileRequest } from './quantize-file.ts';
import type { TrialBench } from './trial-bench.ts';
import { fileDigest } from './tuning-history.ts';

export interface TrialMakerRequest extends Pick<
  QuantizeFileRequest,
  'model' | 'workFolder' | 'calibration' | 'weights' | 'signal'
> {
  readonly bench: TrialBench;
  readonly judge: (found: Measurement) => Judged;
  /** Fires when the time for trials is over. */
  readonly deadline: AbortSignal;
}

/** What says that there is no such model, or that it does not run; anything else ends the tuning. */
const NOT_POSSIBLE: readonly FailureCode[] = [
  'BadOption',
  'ModelDoesNotLoad',
  'ModelDoesNotRun',
  'NothingToQuantize',
  'UnsupportedOpset',
  'UnsupportedType',
];

type Options = Partial<Omit<QuantizeFileRequest, 'model' | 'path'>>;

export class TrialMaker {
  readonly #request: TrialMakerRequest;
  readonly #signal: AbortSignal;
  /** By candidate: a calibrator sees other ranges than the next. */
  readonly #ranges = new Map<string, KnownRanges>();
  /** By what is in the file: options that change nothing make no other model. */
  readonly #known = new Map<string, Finding>();

  constructor(request: TrialMakerRequest) {
    this.#request = request;
    const { signal, deadline } = request;
    this.#signal = AbortSignal.any([deadline, ...(signal ? [signal] : [])]);
  }

  /** null: the time is over. */
  async make(plan: TrialPlan): Promise<Finding | null> {
    const options: Options = { floatLayers: new Set(plan.float), layerErrors: 'skip' };
    try {
      return await this.#inTime(plan.candidate, options, ({ written }) => this.#find(plan, written));
    } catch (error) {
      if (isFailure(error) && NOT_POSSIBLE.includes(error.code)) return { ...NOTHING, problem: error.message };
      throw error;
    }
  }

  /** Worst first, by the distance of each from its FP32 self in the whole model. null: the time is over. */
  layersOf(candidate: Candidate): Promise<QuantizedLayer[] | null> {
    return this.#inTime(candidate, {}, ({ layers, facts }) => {
      const rank = new Map(facts.layers.map(({ layer }, i) => [layer, i]));
      const place = ({ name }: QuantizedLayer): number => rank.get(name) ?? facts.layers.length;
      return Promise.resolve(layers.toSorted((a, b) => place(a) - place(b)));
    });
  }

  async #inTime<T>(
    candidate: Candidate,
    options: Options,
    use: (made: QuantizedFile) => Promise<T>,
  ): Promise<T | null> {
    const { deadline } = this.#request;
    try {
      return await this.#withModel(candidate, options, use);
    } catch (error) {
      if (deadline.aborted && error === deadline.reason) return null;
      throw error;
    }
  }

  async #find({ layers }: TrialPlan, { files }: WrittenModel): Promise<Finding> {
    const { bench, judge } = this.#request;
    const [{ path }] = files as readonly [WrittenModel['files'][number]];
    const digests: string[] = [];
    for (const file of files) digests.push(await fileDigest(file.path));
    const sha256 = digests.join();
    const known = this.#known.get(sha256);
    if (known) return known;
    const judged = judge(await bench.measure(path, this.#signal));
    // What a single layer does is no model that anybody wants.
    const latency = layers.kind === 'only' ? null : await bench.time(path);
    const finding: Finding = {
      ...judged,
      bytes: files.reduce((n, file) => n + file.bytes, 0),
      sha256: files.length === 1 ? digests[0]! : null,
      ratioToFp32: latency?.ratioToFp32 ?? null,
      medianMs: latency?.medianMs ?? null,
      problem: null,
    };
    this.#known.set(sha256, finding);
    return finding;
  }

  async #withModel<T>(candidate: Candidate, options: Options, use: (made: QuantizedFile) => Promise<T>): Promise<T> {
    const { model, workFolder, calibration, weights } = this.#request;
    const path = join(workFolder, 'trial.onnx');
    const knownRanges = this.#ranges.get(candidate.name) ?? new KnownRanges();
    this.#ranges.set(candidate.name, knownRanges);
    try {
      const made = await quantizeFile({
        model,
        path,
        workFolder,
        calibration,
        weights,
        ...DEFAULTS,
        ...candidate.setting,
        ...options,
        knownRanges,
        signal: this.#signal,
      });
      return await use(made);
    } finally {
      for (const file of [path, `${path}.data`]) await rm(file, { force: true });
    }
  }
}

/** Where a candidate leaves them open. */
export const DEFAULTS = { approach: 'static', format: DEFAULT_FORMAT, weightOnly: { bits: 8 } } as const;

const NOTHING: Omit<Finding, 'problem'> = {
  measured: null,
  drop: null,
  met: false,
  sqnr: null,
  bytes: 0,
  sha256: null,
  ratioToFp32: null,
  medianMs: null,
};
