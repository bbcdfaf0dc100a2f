/** How far each tensor is smoothed: as a job says, or as loses least in its layers on calibration data. */
import type { Model } from '../../onnx/ir.ts';
import { constantOf } from '../../onnx/match.ts';
import { asFloat32, bytesOf } from '../../tensor/arithmetic.ts';
import { derivedData, type TensorData } from '../../tensor/data.ts';
import { multiplyChannels } from '../../tensor/grouped-channels.ts';
import { calibrate } from '../calibrate.ts';
import type { Range } from '../formulas.ts';
import { type Plan, type PlanOf, rootOf } from '../plan.ts';
import { type Candidate, CandidateWatch } from './candidates.ts';
import type { ChannelExtremes } from './channel-extremes.ts';
import type { ChannelConstant } from './layers.ts';
import type { Readers } from './readers.ts';
import { roundedActivation, type WeightRounding, weightRounding } from './rounding.ts';
import type { SmoothRequest } from './smooth-quant.ts';

/** A tensor with what was seen of its channels. */
export interface Subject {
  readonly readers: Readers;
  readonly extremes: ChannelExtremes;
  /** Largest weight that each channel is multiplied with. */
  readonly weightMax: Float64Array;
}

export interface Smoothing {
  readonly alpha: number;
  readonly factors: Float64Array;
  /** By how many decibels its layers lose less; null: it was not measured. */
  readonly gain: number | null;
}

/** What `auto` tries. */
const ALPHAS = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** Decibels that are worth other constants, and another operator at run time. */
const WORTH = { fold: 0.1, insert: 3 } as const;
/** Errors need no more batches to be told apart. */
const ERROR_BATCHES = 32;

/** Tensors that are better left alone are missing. */
export async function chooseAlphas(
  model: Model,
  subjects: readonly Subject[],
  request: SmoothRequest,
): Promise<ReadonlyMap<Readers, Smoothing>> {
  const { alpha } = request;
  if (alpha !== 'auto')
    return new Map(subjects.map((s) => [s.readers, { alpha, factors: smoothingFactors(s, alpha), gain: null }]));
  const rounding = weightRounding(request.plan);
  const watched = subjects.map((subject) => {
    const smoothings = ALPHAS.map((each) => ({ alpha: each, factors: smoothingFactors(subject, each) }));
    const candidates = [null, ...smoothings].map((s) =>
      candidateOf(subject, s?.factors ?? null, { request, rounding }),
    );
    return {
      subject,
      smoothings,
      tensor: subject.readers.value,
      watch: new CandidateWatch(subject.readers, candidates),
    };
  });
  const batches = { [Symbol.asyncIterator]: () => firstOf(request.batches, ERROR_BATCHES) };
  if (watched.length) await calibrate({ ...request, model, batches, watched, rounds: 1 });
  return new Map(
    watched.flatMap(({ subject: { readers }, smoothings, watch }): [Readers, Smoothing][] => {
      const [before, ...errors] = watch.errors as [number, ...number[]];
      const least = Math.min(...errors);
      const gain = 10 * Math.log10(before / least);
      const isWorth = gain >= WORTH[readers.fold ? 'fold' : 'insert'];
      return isWorth ? [[readers, { ...smoothings[errors.indexOf(least)]!, gain }]] : [];
    }),
  );
}

/** In double precision; a channel that is nothing on one side, or not finite, stays as it is. */
const smoothingFactors = ({ extremes: { min, max }, weightMax }: Subject, alpha: number): Float64Array =>
  weightMax.map((weight, j) => {
    const activation = Math.max(-min[j]!, max[j]!);
    const factor = activation ** alpha / weight ** (1 - alpha);
    const isSmooth = activation > 0 && weight > 0 && Number.isFinite(Math.fround(weight * factor));
    return isSmooth && Math.fround(factor) > 0 && Number.isFinite(Math.fround(factor)) ? factor : 1;
  });

function candidateOf(
  { readers, extremes }: Subject,
  factors: Float64Array | null,
  { request: { plan }, rounding }: { readonly request: SmoothRequest; readonly rounding: WeightRounding },
): Candidate {
  const read = rootOf(plan.nodes.get(readers.weights[0]!.node)!.inputs[0]!);
  return {
    factors,
    roundedInput: (op, x) => roundedActivation(op, x, { plan: read, range: rangeOf(extremes, factors) }),
    roundedWeight: (weight) => roundedWeight(weight, factors, { plan, rounding }),
  };
}

/** Of the tensor, divided. */
function rangeOf({ min, max }: ChannelExtremes, factors: Float64Array | null): Range {
  const by = (channel: number): number => factors?.[channel] ?? 1;
  return {
    min: min.reduce((least, v, i) => Math.min(least, v / by(i)), Infinity),
    max: max.reduce((most, v, i) => Math.max(most, v / by(i)), -Infinity),
  };
}

function roundedWeight(
  { node, index, view }: ChannelConstant,
  factors: Float64Array | null,
  { plan, rounding }: { readonly plan: Plan; readonly rounding: WeightRounding },
): TensorData {
  const data = constantOf(node.inputs[index])!;
  const weight = plan.nodes.get(node)!.inputs[index] as PlanOf<'weight'>;
  return derivedData(data, [data], (bytes) => {
    const values = asFloat32(bytes!).slice();
    if (factors) multiplyChannels(values, view, factors);
    return bytesOf(rounding(weight, values));
  });
}

async function* firstOf<T>(all: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let taken = 0;
  for await (const each of all) {
    yield each;
    if (++taken === count) return;
  }
}
