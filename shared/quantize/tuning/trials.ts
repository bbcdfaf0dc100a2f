/** The trials of a tuning: each is made once, written down, and counted against the bounds. */
import type { TuningBounds } from '../../choices.ts';
import type { Trial, TrialLayers } from '../../report/quantization.ts';
import type { Candidate } from './candidates.ts';

export interface TrialPlan {
  readonly candidate: Candidate;
  readonly layers: TrialLayers;
  /** What that leaves in float. */
  readonly float: readonly string[];
}

export type Finding = Omit<Trial, 'name' | 'layers' | 'seconds'>;

export interface TrialMaker {
  /** null: the time was over before it was. */
  make(plan: TrialPlan): Promise<Finding | null>;
  /** Called after each with all there are, so that another start can go on from them. */
  record(trials: readonly Trial[]): Promise<void>;
  /** Milliseconds. */
  now(): number;
}

/** Ends a search wherever it is: what was found until then counts. */
export class BoundReached extends Error {
  readonly bound: keyof TuningBounds;
  constructor(bound: keyof TuningBounds) {
    super(`${bound} of the tuning are used up`);
    this.bound = bound;
  }
}

export class Trials {
  readonly #maker: TrialMaker;
  readonly #bounds: TuningBounds;
  readonly #start: number;
  readonly #known: Map<string, Trial>;

  /** `earlier`: of a start before; they count as trials, their time does not. */
  constructor(maker: TrialMaker, bounds: TuningBounds, earlier: readonly Trial[]) {
    this.#maker = maker;
    this.#bounds = bounds;
    this.#start = maker.now();
    this.#known = new Map(earlier.map((trial) => [keyOf(trial.name, trial.layers), trial]));
  }

  /** Those of the start before, then those of this one. */
  get all(): readonly Trial[] {
    return [...this.#known.values()];
  }

  /** What is left of the bounds. */
  get left(): TuningBounds {
    const seconds = this.#bounds.seconds - (this.#maker.now() - this.#start) / 1000;
    return { trials: this.#bounds.trials - this.#known.size, seconds };
  }

  /** The same plan is the same trial. Throws BoundReached instead of beginning a new one. */
  async run(plan: TrialPlan): Promise<Trial> {
    const key = keyOf(plan.candidate.name, plan.layers);
    return this.#known.get(key) ?? this.#make(key, plan);
  }

  async #make(key: string, plan: TrialPlan): Promise<Trial> {
    const { left } = this;
    if (left.trials <= 0) throw new BoundReached('trials');
    if (left.seconds <= 0) throw new BoundReached('seconds');
    const before = this.#maker.now();
    const finding = await this.#maker.make(plan);
    if (finding === null) throw new BoundReached('seconds');
    const { candidate, layers } = plan;
    const trial = { name: candidate.name, layers, ...finding, seconds: (this.#maker.now() - before) / 1000 };
    this.#known.set(key, trial);
    await this.#maker.record(this.all);
    return trial;
  }
}

const keyOf = (name: string, layers: TrialLayers): string => JSON.stringify([name, layers]);

/** Of nothing is of all. */
export const without = (candidate: Candidate, float: readonly string[]): TrialPlan => ({
  candidate,
  layers: float.length ? { kind: 'without', float } : { kind: 'all' },
  float,
});
