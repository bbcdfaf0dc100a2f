/** Which layers do the damage: each is measured by what it does to the outputs, alone. */
import type { Trial } from '../../report/quantization.ts';
import type { QuantizedLayer } from '../quantize.ts';
import type { Candidate } from './candidates.ts';
import { type TrialPlan, type Trials, without } from './trials.ts';

export interface Ranking {
  readonly candidate: Candidate;
  /** With all layers quantized. */
  readonly whole: Trial;
  /** Worst first, by what is known without a trial. */
  readonly layers: readonly QuantizedLayer[];
}

/** Of what is left, for ranking; the rest is for keeping the worst in float, and for giving some of them back. */
const SHARE = 0.6;

/**
 * Names of layers, worst first. What a layer adds to the noise of the outputs is measured: with it alone quantized, or
 * where it is quantized only because of what stands around it, with it alone in float. Layers that there was no time
 * for come last, as they were given.
 */
export async function byDamage(trials: Trials, { candidate, whole, layers }: Ranking): Promise<string[]> {
  const names = [...new Set(layers.map(({ name }) => name))];
  const damages = new Map<string, number>();
  const { left } = trials;
  for (const { name, forItself } of layers) {
    if (damages.has(name)) continue;
    const spent = { trials: left.trials - trials.left.trials, seconds: left.seconds - trials.left.seconds };
    if (spent.trials >= left.trials * SHARE || spent.seconds >= left.seconds * SHARE) break;
    const plan: TrialPlan = forItself
      ? { candidate, layers: { kind: 'only', layer: name }, float: names.filter((other) => other !== name) }
      : without(candidate, [name]);
    const trial = await trials.run(plan);
    damages.set(name, forItself ? noiseOf(trial) : noiseOf(whole) - noiseOf(trial));
  }
  return names.sort((a, b) => (damages.get(b) ?? -Infinity) - (damages.get(a) ?? -Infinity) || 0);
}

/** Energy of the noise in the outputs, of that of the signal. Noise of several layers adds up as long as it is small. */
function noiseOf({ sqnr, problem }: Trial): number {
  if (problem !== null) return 0;
  return sqnr === null ? Number.MAX_VALUE : 10 ** (-sqnr / 10);
}
