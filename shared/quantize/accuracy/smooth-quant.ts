/**
 * SmoothQuant (Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models",
 * 2022): channel j of what layers read is divided by
 *
 *     s_j = max|X_j|^alpha / max|W_j|^(1 - alpha)
 *
 * and their weights are multiplied by it, so that a few large channels of an activation no longer take the codes of all
 * others. Where the constants of whatever computes X can be divided nothing is added; else a Mul is.
 */
import type { Alpha } from '../../choices.ts';
import type { Builder } from '../../onnx/builder.ts';
import { FreshNames } from '../../onnx/fresh-names.ts';
import type { Model, Node } from '../../onnx/ir.ts';
import { builderFor } from '../../onnx/rewrite.ts';
import type { Adjustment } from '../../report/quantization.ts';
import type { MemoryTensors } from '../../runtime/session.ts';
import { calibrate } from '../calibrate.ts';
import { allCodesOutOf, type Plan } from '../plan.ts';
import { adjusted, named } from './adjusted.ts';
import { inverse } from './candidates.ts';
import { ChannelExtremesWatch } from './channel-extremes.ts';
import { chooseAlphas, type Smoothing, type Subject } from './choose-alpha.ts';
import { type Readers, readersIn } from './readers.ts';
import { Rescaling } from './rescaling.ts';

export interface SmoothRequest {
  readonly plan: Plan;
  readonly alpha: Alpha;
  /** Iterated once, and for `auto` once more for each group of weights. */
  readonly batches: AsyncIterable<MemoryTensors>;
  /** Where the batches come from, for messages. */
  readonly file: string;
  readonly workFolder: string;
}

export interface Smoothed {
  readonly adjustments: readonly Adjustment[];
  /** Nodes that were inserted, and why they stay in float. */
  readonly inserted: ReadonlyMap<Node, string>;
}

const STAYS_FLOAT = 'it divides channels for SmoothQuant, and what is rounded before would not be even';

/** The function of the model stays. */
export async function smoothModel(model: Model, request: SmoothRequest): Promise<Smoothed> {
  const { graph } = model;
  const rescaling = new Rescaling(graph);
  const all = readersIn(graph, request.plan);
  const obstacles = obstaclesOf(all, request.plan);
  const free = all.filter((readers) => !obstacles.has(readers));
  const smoothings = await chooseAlphas(model, await subjectsOf(model, free, { request, rescaling }), request);
  const inserting = new Inserting(model);
  const adjustments = all.flatMap((readers) => {
    const smoothing = smoothings.get(readers);
    const what = smoothing
      ? applied(readers, smoothing, { rescaling, inserting })
      : `left as it is: ${obstacles.get(readers) ?? 'no alpha loses so much less'}`;
    return readers.weights.map(({ node }) => adjusted('smooth_quant', node, what));
  });
  rescaling.apply();
  graph.sortNodes();
  return { adjustments, inserted: inserting.nodes };
}

/** Why a tensor cannot be divided. */
function obstaclesOf(all: readonly Readers[], plan: Plan): Map<Readers, string> {
  const codes = new Set([...plan.nodes.values()].flatMap(allCodesOutOf).map(({ value }) => value));
  const isRounded = ({ fold, value }: Readers): boolean => fold === null && codes.has(value);
  return new Map(
    all.flatMap((readers): [Readers, string][] => {
      const obstacle =
        readers.obstacle ?? (isRounded(readers) ? 'what it reads is rounded where it is computed' : null);
      return obstacle === null ? [] : [[readers, obstacle]];
    }),
  );
}

/** Those that were seen. */
async function subjectsOf(
  model: Model,
  all: readonly Readers[],
  { request, rescaling }: { readonly request: SmoothRequest; readonly rescaling: Rescaling },
): Promise<Subject[]> {
  const watched = all.map((readers) => ({
    readers,
    tensor: readers.value,
    watch: new ChannelExtremesWatch(readers.axis),
  }));
  if (watched.length) await calibrate({ ...request, model, watched, rounds: 1 });
  const subjects: Subject[] = [];
  for (const { readers, watch } of watched) {
    if (!watch.extremes) continue;
    const largest = new Float64Array(readers.axis.count);
    for (const weight of readers.weights)
      (await rescaling.absMaxOf(weight)).forEach((most, i) => (largest[i] = Math.max(largest[i]!, most)));
    subjects.push({ readers, extremes: watch.extremes, weightMax: largest });
  }
  return subjects;
}

interface Means {
  readonly rescaling: Rescaling;
  readonly inserting: Inserting;
}

function applied({ weights, fold, ...readers }: Readers, { alpha, factors, gain }: Smoothing, means: Means): string {
  const { rescaling, inserting } = means;
  for (const weight of weights) rescaling.multiply(weight, factors);
  for (const constant of fold?.constants ?? []) rescaling.divide(constant, factors);
  const where = fold
    ? `folded into ${named(fold.source)}`
    : `${named(inserting.add({ weights, fold, ...readers }, factors))} inserted`;
  return `alpha ${alpha}, ${where}${gain === null ? '' : `; its error is ${gain.toFixed(1)} dB smaller`}`;
}

/** Mul nodes before layers whose tensor nothing can divide. */
class Inserting {
  readonly nodes = new Map<Node, string>();
  readonly #op: Builder;
  readonly #names: FreshNames;

  constructor(model: Model) {
    this.#op = builderFor(model);
    this.#names = new FreshNames(model.graph);
  }

  add({ value, axis, weights }: Readers, factors: Float64Array): Node {
    const op = this.#op;
    op.origin = weights[0]!.node.origin;
    const factor = inverse(op, factors, axis.trailing);
    factor.name = this.#names.of(`${value.name}_smoothing`);
    const smoothed = op.Mul([value, factor]);
    smoothed.name = this.#names.of(`${value.name}_smoothed`);
    smoothed.type = value.type;
    for (const { node } of weights) node.setInput(0, smoothed);
    const mul = smoothed.producer!;
    mul.name = this.#names.of(`${smoothed.name}_Mul`);
    this.nodes.set(mul, STAYS_FLOAT);
    return mul;
  }
}
