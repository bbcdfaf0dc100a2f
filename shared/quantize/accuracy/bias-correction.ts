/**
 * Bias correction (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019, with
 * means measured): rounding shifts what a layer gives, and what a channel is shifted by in the mean over calibration
 * data is taken back by its bias.
 */
import type { ComputedApproach } from '../../choices.ts';
import { FreshNames } from '../../onnx/fresh-names.ts';
import type { Graph, Model, Value } from '../../onnx/ir.ts';
import type { Adjustment } from '../../report/quantization.ts';
import { bytesOf } from '../../tensor/arithmetic.ts';
import { derivedData, memoryData, type TensorData } from '../../tensor/data.ts';
import { asFloat32 } from '../../tensor/arithmetic.ts';
import type { QParams } from '../../tensor/qparams.ts';
import type { Plan, TensorPlan } from '../plan.ts';
import type { Data } from './adjust.ts';
import { isLookup } from '../rules.ts';
import { adjusted } from './adjusted.ts';
import { type BiasPlace, biasPlaceOf } from './bias-places.ts';
import { measureShifts } from './shifts.ts';

export interface Planned {
  readonly plan: Plan;
  readonly params: ReadonlyMap<TensorPlan, QParams>;
}

export interface CorrectionRequest extends Data {
  readonly approach: ComputedApproach;
  readonly plan: Plan;
  /** The same plan for a copy of the model; `copyOf` gives what stands for a value there. */
  readonly planFor: (copy: Model, copyOf: (value: Value) => Value) => Promise<Planned>;
}

/** Changes biases of the FP32 model by what its quantized form is off; plans made before are out of date. */
export async function correctBiases(model: Model, request: CorrectionRequest): Promise<Adjustment[]> {
  const layers = [...request.plan.nodes.values()].filter(
    ({ node, inputs }) => !isLookup(node) && inputs.some((input) => input?.kind === 'weight'),
  );
  const found = layers.map(({ node }) => ({ node, place: biasPlaceOf(node, model.graph) }));
  const places = found.flatMap(({ place }) => (typeof place === 'string' ? [] : [place]));
  const shifts = places.length ? await measureShifts(model, places, request) : new Map<BiasPlace, Float64Array>();
  const names = new FreshNames(model.graph);
  return found.map(({ node, place }) => {
    if (typeof place === 'string') return adjusted('bias_correction', node, `left as it is: ${place}`);
    const shift = shifts.get(place);
    if (!shift) return adjusted('bias_correction', node, 'left as it is: what it gives was never finite');
    correct(model.graph, place, { shift, names });
    const largest = shift.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    return adjusted('bias_correction', node, `${shift.length} channels, by up to ${Number(largest.toPrecision(3))}`);
  });
}

/** A bias of its own: others may read the old one. */
function correct(
  graph: Graph,
  { layer, node, index, data, factor }: BiasPlace,
  { shift, names }: { readonly shift: Float64Array; readonly names: FreshNames },
): void {
  const less = shift.map((v) => v / factor);
  const name = names.of(`${node.inputs[index]?.name ?? layer.inputs[1]!.name}_corrected`);
  node.setInput(index, graph.addInitializer(name, data ? correctedData(data, less) : vectorOf(less)));
}

const vectorOf = (values: Float64Array): TensorData =>
  memoryData('float32', [values.length], bytesOf(Float32Array.from(values)));

/** In the shape it has, unless it is one number for all channels. */
function correctedData(data: TensorData, less: Float64Array): TensorData {
  const shape = data.byteLength === Float32Array.BYTES_PER_ELEMENT ? [less.length] : data.shape;
  return derivedData({ dtype: 'float32', shape }, [data], (bytes) => {
    const values = asFloat32(bytes!);
    return bytesOf(Float32Array.from(less, (by, i) => values[values.length === 1 ? 0 : i]! - by));
  });
}
