/** As few layers in float as the goal allows: the worst ones are kept there, then those are given back that need not. */
import type { Trial } from '../../report/quantization.ts';
import type { Candidate } from './candidates.ts';
import { type Trials, without } from './trials.ts';

/** `order`: layers, worst first. null: it meets the goal with none of them quantized, if at all. */
export async function keepWorst(trials: Trials, candidate: Candidate, order: readonly string[]): Promise<Trial | null> {
  const needed = await howMany(trials, candidate, order);
  return needed === null ? null : giveBack(trials, candidate, order.slice(0, needed));
}

/** Of the worst: twice as many until it is enough, then as few as are. */
async function howMany(trials: Trials, candidate: Candidate, order: readonly string[]): Promise<number | null> {
  const isEnough = async (count: number): Promise<boolean> =>
    (await trials.run(without(candidate, order.slice(0, count)))).met;
  let [enough, tooFew] = [1, 0];
  while (!(await isEnough(enough))) {
    if (enough === order.length) return null;
    tooFew = enough;
    enough = Math.min(enough * 2, order.length);
  }
  while (enough - tooFew > 1) {
    const middle = (enough + tooFew) >> 1;
    if (await isEnough(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

/** One after the other, those that do the least damage first. */
async function giveBack(trials: Trials, candidate: Candidate, kept: readonly string[]): Promise<Trial> {
  let float = kept;
  for (const layer of kept.toReversed()) {
    const fewer = float.filter((other) => other !== layer);
    if ((await trials.run(without(candidate, fewer))).met) float = fewer;
  }
  return trials.run(without(candidate, float));
}
