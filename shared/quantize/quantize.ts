/** Quantizes an ONNX model: plan, calibrate, qparams, write, compare. */
import { sequence, untilStable } from '../onnx/pass.ts';
import { foldConstants } from '../onnx/passes/fold-constants.ts';
import { foldWeights } from '../onnx/passes/fold-weights.ts';
import { fullPads } from '../onnx/passes/full-pads.ts';
import { removeUnused } from '../onnx/passes/remove-unused.ts';
import { rewriting } from '../onnx/rewrite.ts';
import {
  ADJUSTMENTS,
  type ComputedApproach,
  DEFAULT_PROCESSOR,
  PROCESSORS,
  type QuantFormat,
  WEIGHT_ALGORITHMS,
} from '../choices.ts';
import { fail } from '../errors.ts';
import type { Adjustment, LayerError, Quantization } from '../report/quantization.ts';
import { inferModel, requireFit } from '../onnx/infer.ts';
import type { Graph, Model, Node, Value } from '../onnx/ir.ts';
import { mayBeFloat } from '../onnx/match.ts';
import { raiseOpset } from '../onnx/raise-opset.ts';
import type { Batch } from '../runtime/samples.ts';
import type { MemoryTensors } from '../runtime/session.ts';
import type { Tell } from '../bytes/advance.ts';
import { type AccuracyChoice, adjustModel, type CalibrationRequest, dataFor } from './accuracy/adjust.ts';
import { correctBiases } from './accuracy/bias-correction.ts';
import type { Ranges } from './calibrate.ts';
import { computeQParams, type QParamsResult } from './compute-qparams.ts';
import { requireExtraOptions } from './extra-options.ts';
import { compareLayers, copyFloat, type FloatGraph } from './layer-errors.ts';
import { otherFloats } from './other-floats.ts';
import { type Look, lookAt, silentTensors } from './look.ts';
import type { ObserverChoice } from './observers/index.ts';
import type { KnownRanges } from './known-ranges.ts';
import { type NodePlan, type Plan, resultOf, type TensorPlan } from './plan.ts';
import { padChannels, padCodes } from './pad-channels.ts';
import { type RecipeChoice, inForm, recipeOf } from './recipe.ts';
import { requireTypes } from './require-types.ts';
import { ruleOf } from './rules.ts';
import { SOURCES } from './sources/index.ts';
import type { Fitted } from './weight-only/blocked-weights.ts';
import { fitWithActivations } from './weight-only/hessians.ts';
import { blockFacts } from './weight-only/block-facts.ts';
import { BLOCK_WRITERS, WRITERS } from './writers/index.ts';
import { idleOverrides, requireTensors } from './tensor-overrides.ts';
import { type NodeChoice, nodesInFloat } from './which-nodes.ts';
import type { Writer, Written } from './writers/writer.ts';

export interface QuantizeRequest extends RecipeChoice, ObserverChoice, NodeChoice, AccuracyChoice {
  /** `dynamic` needs no calibration; `format` does not apply to it: its operators are always written out. */
  readonly approach: ComputedApproach;
  readonly format: QuantFormat;
  /** Layers to leave in float besides, by their names in `Quantized.layers`. */
  readonly floatLayers?: ReadonlySet<string>;
  /** Of an earlier quantization of the same file with the same data: what is known is not observed again. */
  readonly knownRanges?: KnownRanges | undefined;
  /** Left out: layers are compared with FP32 where there is data. */
  readonly layerErrors?: 'skip';
  /**
   * Batches of inputs, such as `readSamples(...).batches(1)`. Static quantization needs them; with them, errors per
   * layer are measured for both approaches. Observers of several rounds iterate over them several times.
   */
  readonly calibration?: AsyncIterable<Batch>;
  /** Where the batches come from, for messages and the report. */
  readonly calibrationFile?: string;
  /** Exists; files in it are removed again. */
  readonly workFolder: string;
  /** Told of every sample that layers were compared on; of calibration know those who give the batches. */
  readonly tell?: Tell;
}

export interface Quantized {
  /** The model that was given, rewritten. */
  readonly model: Model;
  readonly facts: Quantization;
  readonly layers: readonly QuantizedLayer[];
  readonly warnings: readonly string[];
}

/** An operator on codes. */
export interface QuantizedLayer {
  /** Of the node, or of its result where the node has none. */
  readonly name: string;
  /** Quantized for itself; else because of what stands around it. */
  readonly forItself: boolean;
}

/** Weights that are computed from constants are constants, and what onnxruntime misreads in INT8 is written otherwise. */
const PREPARE = untilStable(
  sequence('prepare', [rewriting('prepare', [fullPads, foldConstants, foldWeights]), removeUnused]),
);
/**
 * Rewrites the model in place and leaves its inputs and outputs as they are. Weights stay promises: their codes are
 * computed when the model is written, so what they are read from must stay open until then.
 */
export async function quantizeModel(model: Model, request: QuantizeRequest): Promise<Quantized> {
  requireExtraOptions(request.extraOptions ?? {}, request);
  const raised = raiseOpset(model, model.graph.name);
  requireTypes(recipeOf(request), request);
  inferModel(model);
  const floats = otherFloats(model.graph);
  const asked = nodesInFloat(model.graph, request);
  const overrides = request.extraOptions?.TensorQuantOverrides ?? {};
  requireTensors(model.graph, overrides);
  PREPARE.run(model);
  const found = new Map([...stillThere(asked, model.graph), ...layersNamed(model.graph, request.floatLayers)]);
  const isKept = (node: Node): boolean =>
    found.has(node) || node.inputs.some((input) => input && input.name in overrides);
  const pads = padsChannels(request) ? padChannels(model, isKept) : [];
  const planner = plannerOf(model, request);
  const { adjustments, inserted } = await adjustModel(model, planner(found), accuracyOf(request));
  const kept = new Map([...found, ...inserted]);
  const { workFolder } = request;
  const first = planner(kept);
  // What was rescaled has other ranges than it had, and than it will have beside other layers.
  const isRescaled = adjustments.some(({ method }) => ADJUSTMENTS[method].changesRanges);
  const look = await lookAt(model, first, isRescaled ? { ...request, knownRanges: undefined } : request);
  const { ranges } = look;
  const recorded = request.layerErrors === 'skip' ? [] : look.recorded;
  const float = recorded.length ? copyFloat(model) : null;
  const settled = await settle(planner, kept, { first, ranges });
  const corrected = accuracyOf(request).biasCorrection
    ? await withCorrectedBiases(model, settled.plan, { ...look, kept, request })
    : [];
  const { plan, params } = corrected.length ? await settle(planner, kept, { first: planner(kept), ranges }) : settled;
  const { fitted, calibration } = await fit(model, plan, request);
  const written = writerOf(request)({ model, plan, params, fitted, extra: recipeOf(request).extra });
  padCodes(model, pads);
  const layers =
    float === null ? [] : await layerErrors({ model, plan, written, float, recorded, workFolder, tell: request.tell });
  return {
    model,
    facts: {
      approach: request.approach,
      format: request.approach === 'dynamic' ? 'QLinear' : request.format,
      calibration: look.calibration ?? calibration,
      quantized: plan.nodes.size,
      skipped: plan.skipped,
      layers,
      ...(adjustments.length + corrected.length ? { adjustments: [...adjustments, ...corrected] } : {}),
      ...(request.approach === 'weight-only' ? { blocks: blockFacts(plan, recipeOf(request).weightOnly) } : {}),
    },
    layers: [...plan.nodes.keys()].map((node) => ({
      name: layerName(node),
      forItself: ruleOf(node)?.when === 'weights',
    })),
    warnings: [
      ...raised,
      ...(floats === null ? [] : [floats]),
      ...idleOverrides(plan, overrides),
      ...silentTensors(look),
    ],
  };
}

/** There are such kernels for uint8 by int8 alone. */
function padsChannels(request: QuantizeRequest): boolean {
  const { activations, weights } = recipeOf(request);
  const isFaster = PROCESSORS[request.processor ?? DEFAULT_PROCESSOR].padsChannels;
  return request.approach === 'static' && isFaster && activations.dtype === 'uint8' && weights.dtype === 'int8';
}

/** Weights in blocks have ways of their own. */
const accuracyOf = ({ approach, ...request }: QuantizeRequest): AccuracyChoice & CalibrationRequest =>
  approach === 'weight-only' ? { workFolder: request.workFolder } : request;

async function withCorrectedBiases(
  model: Model,
  plan: Plan,
  { ranges, kept, request }: Pick<Look, 'ranges'> & { readonly kept: Kept; readonly request: QuantizeRequest },
): Promise<Adjustment[]> {
  return correctBiases(model, {
    ...dataFor('bias_correction', request),
    approach: request.approach,
    plan,
    planFor: (copy, copyOf) => {
      const planner = plannerOf(copy, request);
      const refused = new Map([...kept].map(([node, reason]) => [copyOf(node.outputs[0]!).producer!, reason]));
      const seen = new Map([...ranges].map(([value, range]) => [copyOf(value), range]));
      return settle(planner, refused, { first: planner(refused), ranges: seen });
    },
  });
}

interface Fit {
  readonly fitted: ReadonlyMap<TensorPlan, Fitted>;
  readonly calibration: Quantization['calibration'];
}

/** Codes that depend on what weights are multiplied with. */
async function fit(model: Model, plan: Plan, request: QuantizeRequest): Promise<Fit> {
  const { algorithm } = recipeOf(request).weightOnly;
  if (request.approach !== 'weight-only' || !WEIGHT_ALGORITHMS[algorithm].needsCalibration)
    return { fitted: new Map(), calibration: null };
  const file = request.calibrationFile ?? 'calibration data';
  const { calibration, workFolder } = request;
  if (!calibration)
    return fail('BadCalibrationData', {
      file,
      problem: 'there is none',
      expected: `sample inputs, which ${algorithm} needs to see what weights are multiplied with`,
    });
  let samples = 0;
  const batches = {
    async *[Symbol.asyncIterator](): AsyncGenerator<MemoryTensors> {
      samples = 0;
      for await (const batch of calibration) {
        samples += batch.samples;
        yield batch.feeds;
      }
    },
  };
  const fitted = await fitWithActivations(plan, { model, batches, file, workFolder });
  return { fitted, calibration: { method: algorithm, samples, file } };
}

/** By name where a node was written anew. */
function stillThere(kept: ReadonlyMap<Node, string>, graph: Graph): Map<Node, string> {
  const named = new Map([...kept].map(([{ name, outputs }, reason]) => [name || outputs[0]!.name, reason]));
  return new Map(
    [...graph.nodes].flatMap((node) => {
      const reason = kept.get(node) ?? named.get(node.name);
      return reason === undefined ? [] : [[node, reason] as const];
    }),
  );
}

const layerName = ({ name, outputs }: Node): string => name || (outputs[0]?.name ?? '');

const layersNamed = ({ nodes }: Graph, names: ReadonlySet<string> = new Set()): [Node, string][] =>
  [...nodes].filter((node) => names.has(layerName(node))).map((node) => [node, 'kept in float for accuracy']);

function writerOf({ approach, format }: QuantizeRequest): Writer {
  if (approach === 'weight-only') return BLOCK_WRITERS[format];
  return WRITERS[approach === 'dynamic' ? 'dynamic' : format];
}

type Kept = ReadonlyMap<Node, string>;
type Planner = (refused: Kept) => Plan;

function plannerOf(model: Model, request: QuantizeRequest): Planner {
  const { graph } = model;
  const { format } = request;
  const recipe = inForm(recipeOf(request), format);
  const source = SOURCES[request.approach];
  return (refused) => requireNodes(model, source({ graph, recipe, format, refused }));
}

/** Parameters for the plan; nodes with a tensor that has no scale stay in float and the rest is planned again. */
async function settle(
  planner: Planner,
  kept: Kept,
  { first, ranges }: { readonly first: Plan; readonly ranges: Ranges },
): Promise<{ plan: Plan; params: QParamsResult['params'] }> {
  let plan = first;
  let refused = kept;
  for (;;) {
    const result = await computeQParams(plan, ranges);
    if (result.unusable.size === 0) return { plan, params: result.params };
    refused = withUnusable(refused, plan, result);
    plan = planner(refused);
  }
}

function withUnusable(kept: Kept, plan: Plan, { unusable }: QParamsResult): Kept {
  const refused = new Map(kept);
  for (const { node, inputs, output } of plan.nodes.values()) {
    const value: Value | undefined = [...inputs, output].flatMap((t) =>
      t && unusable.has(t.value) ? [t.value] : [],
    )[0];
    if (value) refused.set(node, unusable.get(value)!);
  }
  return refused;
}

function requireNodes(model: Model, plan: Plan): Plan {
  for (const node of plan.nodes.keys()) requireFit(node, model.opsets.get('') ?? 0);
  if (plan.nodes.size > 0) return plan;
  const reasons = [...new Set(plan.skipped.map(({ operator, reason }) => `${operator}: ${reason}`))];
  return fail('NothingToQuantize', { file: model.graph.name, skipped: reasons, floats: otherFloats(model.graph) });
}

/** Where codes are only moved, or looked for, there is nothing new to compare. */
const isLayer = (plan: NodePlan): boolean => plan.output?.kind !== 'shared' && mayBeFloat(resultOf(plan));

interface LayersRequest {
  readonly model: Model;
  readonly plan: Plan;
  readonly written: readonly Written[];
  readonly float: FloatGraph;
  readonly recorded: readonly MemoryTensors[];
  readonly workFolder: string;
  readonly tell: Tell | undefined;
}

async function layerErrors({ plan, recorded: batches, ...request }: LayersRequest): Promise<LayerError[]> {
  const written = request.written.filter(({ node }) => isLayer(plan.nodes.get(node)!));
  if (written.length === 0) return [];
  return compareLayers({ ...request, written, batches });
}
