/** Quantizes an ONNX model: plan, calibrate, qparams, write. */
import { fail } from '../errors.ts';
import type { LayerError, Quantization } from '../report/report.ts';
import { OLDEST_OPSET } from '../onnx/opset.ts';
import type { Model, Node, Value } from '../onnx/ir.ts';
import type { Batch } from '../runtime/samples.ts';
import type { MemoryTensors } from '../runtime/session.ts';
import { type Calibration, calibrateMinMax } from './calibrate.ts';
import { insertDynamic, planDynamic } from './dynamic.ts';
import { insertQdq } from './insert-qdq.ts';
import { keptInFloat } from './keep-float.ts';
import { compareLayers, writeFloatLayers, writeQuantizedLayers } from './layer-errors.ts';
import { type Plan, planQuantization, resultOf, type TensorPlan } from './plan.ts';
import { computeQParams, plansOf, type QParamsResult } from './qparams.ts';
import { writeQOperators } from './qoperator.ts';
import { DEFAULT_RECIPE, type QuantizationRecipe, type RecipeName, RECIPES } from './recipe.ts';
import type { Written } from './written.ts';

export interface QuantizeRequest {
  /** `dynamic` needs no calibration; `format` does not apply to it: its operators are always written out. */
  readonly approach: 'static' | 'dynamic';
  readonly format: 'QDQ' | 'QLinear';
  readonly recipe?: RecipeName;
  /** Node names, PyTorch module paths (with everything below them) or operator types to leave in float. */
  readonly keepFloat?: readonly string[];
  /**
   * Batches of inputs, such as `readSamples(...).batches(1)`. Static quantization needs them; with them, errors per
   * layer are measured for both approaches.
   */
  readonly calibration?: AsyncIterable<Batch>;
  /** Where the batches come from, for messages and the report. */
  readonly calibrationFile?: string;
  /** Exists; files in it are removed again. */
  readonly workFolder: string;
}

export interface Quantized {
  /** The model that was given, rewritten. */
  readonly model: Model;
  readonly facts: Quantization;
}

/** Batches the layers are compared on. */
const LAYER_BATCHES = 4;

/**
 * Rewrites the model in place and leaves its inputs and outputs as they are. Weights stay promises: their codes are
 * computed
 * when the model is written, so what they are read from must stay open until then.
 */
export async function quantizeModel(model: Model, request: QuantizeRequest): Promise<Quantized> {
  requireOpset(model);
  const kept = keptInFloat(model.graph, request.keepFloat ?? []);
  return request.approach === 'static' ? quantizeStatic(model, request, kept) : quantizeDynamic(model, request, kept);
}

function requireOpset(model: Model): void {
  const opset = model.opsets.get('') ?? 0;
  if (opset < OLDEST_OPSET)
    fail('UnsupportedOpset', {
      operator: 'QuantizeLinear per channel',
      opset,
      needed: `export the model for opset ${OLDEST_OPSET} or newer`,
      at: `graph "${model.graph.name}"`,
    });
}

type Kept = ReadonlyMap<Node, string>;

async function quantizeStatic(model: Model, request: QuantizeRequest, kept: Kept): Promise<Quantized> {
  const recipe = RECIPES[request.recipe ?? DEFAULT_RECIPE];
  const file = request.calibrationFile ?? 'calibration data';
  if (!request.calibration)
    return fail('BadCalibrationData', {
      file,
      problem: 'there is none',
      expected: 'sample inputs, which static quantization needs to see the ranges of activations',
    });
  const first = requireNodes(
    model,
    planQuantization({ graph: model.graph, recipe, format: request.format, refused: kept }),
  );
  const recorded: MemoryTensors[] = [];
  const counter = { samples: 0 };
  const observed = plansOf(first).flatMap((t) => (t.kind === 'observed' ? [t.value] : []));
  const calibration = await calibrateMinMax({
    model,
    tensors: observed,
    batches: watched(request.calibration, recorded, counter),
    file,
    workFolder: request.workFolder,
  });
  if (calibration.batches === 0)
    fail('BadCalibrationData', { file, problem: 'it has no samples', expected: 'at least one' });
  const { plan, params } = await settle({ model, request, recipe, kept, first, calibration });
  const float = await writeFloatLayers(model, layersOf(plan), request.workFolder);
  const written =
    request.format === 'QDQ'
      ? insertQdq({ graph: model.graph, plan, params })
      : writeQOperators({ model, plan, params });
  const layers = await layerErrors(model, plan, written, float, recorded, request.workFolder);
  return { model, facts: facts(request, plan, layers, { method: 'MinMax', samples: counter.samples, file }) };
}

async function quantizeDynamic(model: Model, request: QuantizeRequest, kept: Kept): Promise<Quantized> {
  const first = requireNodes(model, planDynamic(model.graph, kept));
  const recorded: MemoryTensors[] = [];
  if (request.calibration)
    for await (const batch of request.calibration) if (recorded.push(batch.feeds) === LAYER_BATCHES) break;
  const { reduceRange } = RECIPES[request.recipe ?? DEFAULT_RECIPE];
  const computed = await computeQParams(first, new Map(), reduceRange);
  const plan = computed.unusable.size
    ? requireNodes(model, planDynamic(model.graph, withUnusable(kept, first, computed)))
    : first;
  const { params } = plan === first ? computed : await computeQParams(plan, new Map(), reduceRange);
  const float = recorded.length ? await writeFloatLayers(model, layersOf(plan), request.workFolder) : null;
  const written = insertDynamic({ graph: model.graph, plan, params });
  const layers = float === null ? [] : await layerErrors(model, plan, written, float, recorded, request.workFolder);
  return { model, facts: facts(request, plan, layers, null) };
}

interface SettleRequest {
  readonly model: Model;
  readonly request: QuantizeRequest;
  readonly recipe: QuantizationRecipe;
  readonly kept: Kept;
  readonly first: Plan;
  readonly calibration: Calibration;
}

/** Parameters for the plan; nodes whose tensors cannot be put on a grid stay in float and the rest is planned again. */
async function settle({
  model,
  request,
  recipe,
  kept,
  first,
  calibration,
}: SettleRequest): Promise<{ plan: Plan; params: QParamsResult['params'] }> {
  let plan = first;
  let refused = kept;
  for (;;) {
    const result = await computeQParams(plan, calibration.ranges, recipe.reduceRange);
    if (result.unusable.size === 0) return { plan, params: result.params };
    refused = withUnusable(refused, plan, result);
    plan = requireNodes(model, planQuantization({ graph: model.graph, recipe, format: request.format, refused }));
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
  if (plan.nodes.size > 0) return plan;
  const reasons = [...new Set(plan.skipped.map(({ operator, reason }) => `${operator}: ${reason}`))];
  return fail('NothingToQuantize', { file: model.graph.name, skipped: reasons });
}

/** Passes batches on, counts their samples and keeps the first few for the comparison of layers. */
async function* watched(
  batches: AsyncIterable<Batch>,
  kept: MemoryTensors[],
  counter: { samples: number },
): AsyncGenerator<MemoryTensors> {
  for await (const { feeds, samples } of batches) {
    if (kept.length < LAYER_BATCHES) kept.push(feeds);
    counter.samples += samples;
    yield feeds;
  }
}

/** Where codes are only moved there is nothing new to compare. */
const isLayer = (plan: { readonly output: TensorPlan | null }): boolean => plan.output?.kind !== 'shared';

const layersOf = (plan: Plan): Value[] => [...plan.nodes.values()].filter(isLayer).map(resultOf);

async function layerErrors(
  model: Model,
  plan: Plan,
  all: readonly Written[],
  float: string,
  batches: readonly MemoryTensors[],
  workFolder: string,
): Promise<LayerError[]> {
  const written = all.filter(({ node }) => isLayer(plan.nodes.get(node)!));
  const quantized = await writeQuantizedLayers(model, written, workFolder);
  return compareLayers({ float, quantized, written, batches });
}

const facts = (
  request: QuantizeRequest,
  plan: Plan,
  layers: readonly LayerError[],
  calibration: Quantization['calibration'],
): Quantization => ({
  approach: request.approach,
  format: request.approach === 'dynamic' ? 'QLinear' : request.format,
  calibration,
  quantized: plan.nodes.size,
  skipped: plan.skipped,
  layers,
});
