/**
 * Channels in another order, so that weights whose products are added in pairs of 16 bits are not large together: their
 * codes then need not be coarser to be safe. Layers that give the channels give them in the new order, and all that
 * read them read it; only the order of sums changes.
 */
import { FreshNames } from '../../onnx/fresh-names.ts';
import type { Graph, Value } from '../../onnx/ir.ts';
import { constantOf } from '../../onnx/match.ts';
import type { Adjustment } from '../../report/quantization.ts';
import { absMaxOf, asFloat32, bytesOf, channelsOf } from '../../tensor/arithmetic.ts';
import { orderForPairs, type PairRows, reordered } from '../../tensor/channel-order.ts';
import { derivedData } from '../../tensor/data.ts';
import { type SumLayout, worstPairsOf } from '../../tensor/pair-sums.ts';
import { scaleAxis } from '../../tensor/qparams.ts';
import { elementCount } from '../../tensor/type.ts';
import { narrowSumsOf } from '../compute-qparams.ts';
import { scalesForPairs, symmetricScales } from '../formulas.ts';
import type { Plan, PlanOf } from '../plan.ts';
import { adjusted } from './adjusted.ts';
import { type ChannelRegion, regionOf } from './channel-regions.ts';
import { axisOf, type ChannelConstant, weightByInput, weightByOutput } from './layers.ts';
import { isGiven, replaceConstant } from './own-constants.ts';

/** What is left of the noise of weights, at most, for another order to be worth it: a decibel less. */
const WORTH = 0.8;

/** Sums for each channel, at most: one order does not suit more. It was never worth it from four on. */
const MOST_SUMS = 2;
/** Numbers of a region, at most: the search ends before it has tried enough of more, and they take memory. */
const MOST_NUMBERS = 2 ** 22;

/** A weight whose codes would be coarser for safety. */
interface Subject {
  readonly weight: ChannelConstant;
  readonly values: Float32Array;
  /** Of its codes, one for each output or one for all, if nothing had to be safe. */
  readonly scales: Float32Array;
  readonly sums: readonly SumLayout[];
  readonly limit: number;
}

/** The function of the model stays. The weights that read one set of channels are in memory at a time. */
export async function orderChannels(graph: Graph, plan: Plan): Promise<Adjustment[]> {
  const sums = narrowSumsOf(plan);
  const names = new FreshNames(graph);
  const seen = new Set<Value>();
  const adjustments: Adjustment[] = [];
  for (const { node } of plan.nodes.values()) {
    const weight = weightByInput(node);
    const [value] = node.inputs;
    if (!weight || !value || seen.has(value) || subjectPlan(plan, weight, sums) === null) continue;
    const region = regionOf(value, axisOf(weight), graph);
    region?.tensors.forEach((tensor) => seen.add(tensor));
    if (!region || region.constants.some((constant) => isGiven(plan, constant.node, constant.index))) continue;
    const readers = region.readers.flatMap((reader) => {
      const planned = subjectPlan(plan, reader, sums);
      return planned ? [{ reader, planned }] : [];
    });
    const numbers = readers.reduce((total, { planned }) => total + elementCount(planned.data.shape), 0);
    if (numbers > MOST_NUMBERS || numbers > MOST_SUMS * region.count ** 2) continue;
    const subjects: Subject[] = [];
    for (const { reader, planned } of readers) subjects.push(await subjectOf(reader, planned, sums.get(planned)!));
    const before = noiseOf(subjects, null);
    // What none of them loses to safety is 1 for each.
    if (subjects.length > WORTH * before) continue;
    const order = orderForPairs(rowsOf(region, subjects));
    const after = noiseOf(subjects, order);
    if (after > WORTH * before) continue;
    for (const constant of region.constants) reorder(graph, constant, { order, names });
    const gain = (10 * Math.log10(before / after)).toFixed(1);
    const what = `${region.count} channels of what it reads in another order: its weights lose ${gain} dB less`;
    adjustments.push(...subjects.map((subject) => adjusted('channel_order', subject.weight.node, what)));
  }
  return adjustments;
}

/** null: no sums of it are 16 bits wide, or no order of the channels changes them. */
function subjectPlan(
  plan: Plan,
  { node, index, view }: ChannelConstant,
  sums: ReturnType<typeof narrowSumsOf>,
): PlanOf<'weight'> | null {
  const weight = plan.nodes.get(node)?.inputs[index] as PlanOf<'weight'> | undefined;
  if (weight?.kind !== 'weight' || weight.spec.pairLimit === null || !weight.spec.symmetric) return null;
  if (!sums.get(weight)?.length) return null;
  // Neighbours of an odd number of channels are at different places of a kernel.
  const hasPlaces = view.outer > 1 && view.inner > 1;
  return hasPlaces && view.channels % 2 === 1 ? null : weight;
}

async function subjectOf(
  weight: ChannelConstant,
  { data: { shape }, granularity, spec }: PlanOf<'weight'>,
  sums: readonly SumLayout[],
): Promise<Subject> {
  const values = asFloat32(await constantOf(weight.node.inputs[weight.index])!.read());
  const scales = symmetricScales(absMaxOf(values, channelsOf(shape, scaleAxis(granularity))), spec);
  return { weight, values, scales, sums, limit: spec.pairLimit! };
}

/** What each channel adds to the sums of all weights, as parts of what is safe. */
function rowsOf({ count }: ChannelRegion, subjects: readonly Subject[]): PairRows {
  const width = subjects.reduce((sum, { values }) => sum + values.length / count, 0);
  const rows = new Float32Array(count * width);
  let column = 0;
  for (const { weight, values, scales, limit } of subjects) {
    const outputs = weightByOutput(weight.node)!.view;
    const factors = Float64Array.from(
      { length: outputs.channels },
      (_, o) => 1 / (limit * scales[scales.length > 1 ? o : 0]!),
    );
    const { outer, channels, inner } = weight.view;
    for (let o = 0, i = 0; o < outer; o++)
      for (let c = 0; c < channels; c++)
        for (let k = 0; k < inner; k++, i++) {
          const factor = factors[Math.floor(i / outputs.inner) % outputs.channels]!;
          rows[c * width + column + o * inner + k] = values[i]! * factor;
        }
    column += outer * inner;
  }
  return { count, width, values: rows };
}

/** Mean square of how much coarser codes are than they could be, over the outputs of all weights. */
function noiseOf(subjects: readonly Subject[], order: Uint32Array | null): number {
  const each = subjects.map(({ weight, values, scales, sums, limit }) => {
    const placed = order ? reordered(values, weight.view, order) : values;
    const safe = sums.reduce((raised, sum) => scalesForPairs(raised, worstPairsOf(placed, sum), limit), scales);
    return safe.reduce((sum, scale, i) => sum + (scale / scales[i]!) ** 2, 0) / safe.length;
  });
  return each.reduce((a, b) => a + b, 0);
}

function reorder(
  graph: Graph,
  constant: ChannelConstant,
  { order, names }: { readonly order: Uint32Array; readonly names: FreshNames },
): void {
  const before = constantOf(constant.node.inputs[constant.index])!;
  const data = derivedData(before, [before], (bytes) => bytesOf(reordered(asFloat32(bytes!), constant.view, order)));
  replaceConstant(graph, constant, { data, names });
}
