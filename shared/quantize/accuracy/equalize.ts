/**
 * Cross-layer equalization (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
 * 2019): where a layer reads what a layer before gives, through operators that keep factors such as ReLU, channel i is
 * divided by
 *
 *     s_i = sqrt(r1_i / r2_i)
 *
 * on its way, where r1 is the largest magnitude that gives it and r2 the largest that reads it: then both are
 * sqrt(r1 r2). A bias counts as a weight, because it is as large in the activation. What a clip cuts off at 6 would
 * move with the channel: it is left alone.
 */
import type { Graph } from '../../onnx/ir.ts';
import type { Adjustment } from '../../report/quantization.ts';
import type { Plan } from '../plan.ts';
import { adjusted, named } from './adjusted.ts';
import { type Fold } from './folds.ts';
import type { ChannelConstant } from './layers.ts';
import { type Readers, readersIn } from './readers.ts';
import { Rescaling } from './rescaling.ts';

/** Chains settle in a few sweeps: each layer in the middle changes with both of its neighbours. */
const SWEEPS = 20;
/** Change of a factor that ends the sweeps. */
const SETTLED = 0.01;
/** Channels that differ by less have nothing to gain. */
const UNEVEN = 1.05;

type Pair = Readers & { readonly fold: Fold };

const isPair = (readers: Readers): readers is Pair => readers.obstacle === null && readers.fold?.isLayer === true;

/** The function of the model stays. Weights are read a few times, one at a time. */
export async function equalizeLayers(graph: Graph, plan: Plan): Promise<Adjustment[]> {
  const pairs = readersIn(graph, plan).filter(isPair);
  const rescaling = new Rescaling(graph);
  const total = new Map(pairs.map((pair) => [pair, new Float64Array(pair.axis.count).fill(1)]));
  for (let sweep = 0, change = Infinity; sweep < SWEEPS && change > SETTLED; sweep++) {
    change = 0;
    for (const pair of pairs) {
      const factors = await factorsOf(pair, rescaling);
      rescale(pair, factors, rescaling);
      const all = total.get(pair)!;
      factors.forEach((factor, i) => {
        all[i]! *= factor;
        change = Math.max(change, Math.abs(Math.log(factor)));
      });
    }
  }
  rescaling.apply();
  return pairs.flatMap((pair) => {
    const all = total.get(pair)!;
    const spread = all.reduce((a, b) => Math.max(a, b)) / all.reduce((a, b) => Math.min(a, b));
    if (spread < UNEVEN) return [];
    const factors = `${pair.axis.count} factors that differ up to ${spread.toPrecision(3)} times`;
    const what = `what it reads is divided by ${factors}, in ${named(pair.fold.source)}`;
    return pair.weights.map(({ node }) => adjusted('cross_layer_equalization', node, what));
  });
}

async function factorsOf({ fold, weights }: Pair, rescaling: Rescaling): Promise<Float64Array> {
  const largest = async (constants: readonly ChannelConstant[]): Promise<Float64Array> => {
    const all: Float32Array[] = [];
    for (const constant of constants) all.push(await rescaling.absMaxOf(constant));
    return Float64Array.from(all[0]!, (_, i) => Math.max(...all.map((each) => each[i]!)));
  };
  const [given, read] = [await largest(fold.constants), await largest(weights)];
  return given.map((r1, i) => factorOf(r1, read[i]!));
}

/** A channel that is nothing on one side, or not finite, stays as it is. */
function factorOf(r1: number, r2: number): number {
  const factor = Math.sqrt(r1 / r2);
  return factor > 0 && Number.isFinite(factor) ? factor : 1;
}

function rescale({ fold, weights }: Pair, by: Float64Array, rescaling: Rescaling): void {
  for (const constant of fold.constants) rescaling.divide(constant, by);
  for (const weight of weights) rescaling.multiply(weight, by);
}
