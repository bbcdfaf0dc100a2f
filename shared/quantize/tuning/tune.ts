/**
 * Accuracy-driven tuning: the fastest of the candidates that meets the goal; else the one nearest to it, with the worst
 * layers in float.
 */
import type { TuningBounds } from '../../choices.ts';
import type { Trial } from '../../report/quantization.ts';
import type { QuantizedLayer } from '../quantize.ts';
import type { Candidate, SpeedGroup } from './candidates.ts';
import { byDamage } from './damage.ts';
import { keepWorst } from './keep-worst.ts';
import { BoundReached, type TrialMaker, Trials, without } from './trials.ts';

export interface TuneRequest extends TrialMaker {
  /** In the order of their expected speed. */
  readonly groups: readonly SpeedGroup[];
  readonly bounds: TuningBounds;
  /** Trials of a start before: they are not made again. */
  readonly earlier: readonly Trial[];
  /** Layers that a candidate quantizes, worst first as far as that is known. null: the time was over before it was. */
  layersOf(candidate: Candidate): Promise<readonly QuantizedLayer[] | null>;
}

export interface Tuned {
  readonly trials: readonly Trial[];
  /** null: none met the goal. */
  readonly chosen: { readonly candidate: Candidate; readonly trial: Trial } | null;
  /** null: there was nothing left to try. */
  readonly endedBy: keyof TuningBounds | null;
}

/** Decides by what trials find, and by the clock alone when to stop: with the same findings it goes the same way. */
export async function tune(request: TuneRequest): Promise<Tuned> {
  const trials = new Trials(request, request.bounds, request.earlier);
  const endedBy = await untilBound(() => search(request, trials));
  const trial = fastest(trials.all);
  const candidate = request.groups.flatMap(candidatesOf).find(({ name }) => name === trial?.name);
  return { trials: trials.all, chosen: trial && candidate ? { candidate, trial } : null, endedBy };
}

async function untilBound(work: () => Promise<void>): Promise<keyof TuningBounds | null> {
  try {
    await work();
    return null;
  } catch (thrown) {
    if (thrown instanceof BoundReached) return thrown.bound;
    throw thrown;
  }
}

const candidatesOf = ({ first, others }: SpeedGroup): readonly Candidate[] => [first, ...others];

async function search({ groups, layersOf }: TuneRequest, trials: Trials): Promise<void> {
  const tried: { group: SpeedGroup; trial: Trial }[] = [];
  for (const group of groups) tried.push({ group, trial: await trials.run(without(group.first, [])) });
  const bySpeed = tried.filter(({ trial }) => trial.problem === null).sort((a, b) => speed(a.trial) - speed(b.trial));
  await tryNumbers(bySpeed, trials);
  for (const { group } of bySpeed) {
    if (fastest(trials.all)) return;
    const whole = nearest(trials.all.filter((trial) => isOf(group, trial)));
    const candidate = candidatesOf(group).find(({ name }) => name === whole.name)!;
    const layers = await layersOf(candidate);
    if (!layers) throw new BoundReached('seconds');
    const order = await byDamage(trials, { candidate, whole, layers });
    await keepWorst(trials, candidate, order);
  }
}

/** Other calibrators, where they could make a faster model meet the goal; where none does, for the fastest only. */
async function tryNumbers(
  bySpeed: readonly { readonly group: SpeedGroup; readonly trial: Trial }[],
  trials: Trials,
): Promise<void> {
  const best = fastest(trials.all);
  const worthwhile = best ? bySpeed.filter(({ trial }) => speed(trial) < speed(best) / AS_FAST) : bySpeed.slice(0, 1);
  for (const { group } of worthwhile)
    for (const candidate of group.others) if ((await trials.run(without(candidate, []))).met) return;
}

const isOf = (group: SpeedGroup, { name, layers, problem }: Trial): boolean =>
  problem === null && layers.kind === 'all' && candidatesOf(group).some((candidate) => candidate.name === name);

/** Two measurements of one model differ by so much. */
const AS_FAST = 1.05;
const speed = ({ ratioToFp32 }: Trial): number => ratioToFp32 ?? Infinity;

/** Of those that meet the goal, each candidate with as few layers in float as were tried. As fast ones: the smallest. */
function fastest(trials: readonly Trial[]): Trial | null {
  const met = trials.filter(({ met: isMet, layers }) => isMet && layers.kind !== 'only');
  const each = [...Map.groupBy(met, ({ name }) => name).values()].map((all) => leastBy(all, inFloat));
  if (each.length === 0) return null;
  const best = Math.min(...each.map(speed));
  return leastBy(
    each.filter((trial) => best === Infinity || speed(trial) <= best * AS_FAST),
    ({ bytes }) => bytes,
  );
}

const inFloat = ({ layers }: Trial): number => (layers.kind === 'without' ? layers.float.length : 0);

/** Twice the noise: less than that says little of a model whose worst layers will be taken out. */
const APART_DECIBELS = 3;

/** The first of those that are nearest to FP32. */
function nearest(trials: readonly Trial[]): Trial {
  const best = Math.max(...trials.map(({ sqnr }) => sqnr ?? -Infinity));
  return trials.find(({ sqnr }) => (sqnr ?? -Infinity) >= best - APART_DECIBELS)!;
}

/** The first of the least. */
const leastBy = (trials: readonly Trial[], of: (trial: Trial) => number): Trial =>
  trials.reduce((least, trial) => (of(trial) < of(least) ? trial : least));
