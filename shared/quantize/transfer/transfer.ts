/** INT8 as PyTorch computed it: which tensors it rounded and its integer weights, carried over to the FP32 graph. */
import {
  CODE_TYPES,
  type CodeTypes,
  DEFAULT_CODE_TYPES,
  DEFAULT_DYNAMIC_ACTIVATIONS,
  type DynamicActivations,
} from '../../choices.ts';
import { fail } from '../../errors.ts';
import { inferModel } from '../../onnx/infer.ts';
import type { Graph, Model } from '../../onnx/ir.ts';
import { isStandard } from '../../onnx/match.ts';
import { CONTRIB_DOMAIN } from '../../onnx/schema/contrib.ts';
import type { Quantization } from '../../report/quantization.ts';
import type { QParams } from '../../tensor/qparams.ts';
import { affineOf } from '../../torch/quantized/affine.ts';
import {
  type Affine,
  type QuantizedModel,
  SCALE_SOURCES,
  type SourcedAffine,
} from '../../torch/quantized/quantized-model.ts';
import type { QuantizedModule } from '../../torch/quantized-weights.ts';
import { type ActivationDtype, affineAs, weightAs } from './code-types.ts';
import { placeByValue } from './by-value.ts';
import { Editor } from './editor.ts';
import { type RecipeName, RECIPES } from '../recipe.ts';
import { misfits, type Placed, placeModules } from './place.ts';
import { withIntegerBias } from './recipes.ts';
import { toQOperators } from './to-qoperator.ts';
import { type EagerModules, traceEager } from './trace-eager.ts';
import { type Trace, type TraceRequest, traceRounding } from './trace.ts';
import { placeParameters, trainedModules } from './trained.ts';
import { dynamicWriter } from './write-dynamic.ts';
import { writeEmbedding, writeRounding, writeWeights } from './write-qdq.ts';

/** What a reader found in a quantized PyTorch model, and where. */
export interface TransferSource extends QuantizedModel {
  readonly file: string;
}

export interface TransferRequest {
  readonly source: TransferSource;
  readonly recipe: RecipeName;
  readonly format: 'QDQ' | 'QLinear';
  /** Which integers codes are; `U8S8` by default. */
  readonly types?: CodeTypes;
  /** Of dynamic modules; as PyTorch has them by default. */
  readonly activations?: DynamicActivations;
}

export interface Transferred {
  /** Where two places of the file disagree on a scale, and what the file does not say. */
  readonly warnings: readonly string[];
  /** For the report. */
  readonly facts: Quantization;
}

/**
 * Changes the model. What the file has and the graph has no place for is refused, so that no layer stays float in
 * silence.
 */
export async function transfer(model: Model, request: TransferRequest): Promise<Transferred> {
  const { source, format, types = DEFAULT_CODE_TYPES, activations = DEFAULT_DYNAMIC_ACTIVATIONS } = request;
  const { graph } = model;
  const { bias, output } = RECIPES[request.recipe];
  const codes = CODE_TYPES[types];
  inferModel(model);
  requireFit(source, await placeByValue(graph, source.modules));
  const asked = traceRequest(graph, source, codes.activations);
  const eager = eagerModules(source, asked);
  const trace = eager ? traceEager(asked, eager) : traceRounding(asked);
  const placed = placeModules(trace.units, source.modules);
  requireFit(source, misfits(source, trace, placed));
  const trained = await trainedModules(placed);
  if (source.approach === 'qat' || trained.length > 0) requireFit(source, placeParameters(graph, source, placed));
  const editor = new Editor(graph);
  writeRounding(editor, trace, { roundsBeforeRelu: output.linear === 'codes' });
  const writeDynamic = dynamicWriter(editor, activations);
  for (const { module, found } of placed) {
    if (!found || !module.weight) continue;
    const weights = { ...weightAs(module.weight, codes.weights), bias: module.bias };
    if (isStandard(found.node, 'Gather')) writeEmbedding(editor, found, weights);
    else if (module.mode === 'dynamic') writeDynamic(found, weights);
    else writeWeights(editor, found, weights);
    if (bias === 'int32' && module.mode === 'static') withIntegerBias(editor, found);
  }
  graph.sortNodes();
  if (format === 'QLinear' && toQOperators(editor)) model.opsets.set(CONTRIB_DOMAIN, 1);
  graph.sortNodes();
  const warnings = [...differencesIn(source), ...assumptions(source, { trace, trained, activations })];
  return { warnings, facts: factsOf({ source, trace, placed, format, types, activations }) };
}

const traceRequest = (
  graph: Graph,
  { paths, values, modules }: QuantizedModel,
  dtype: ActivationDtype,
): TraceRequest => ({
  graph,
  paths,
  dtype,
  values: new Map(values.map(({ name, qparams }) => [name, affineAs(wholeOf(qparams), dtype)])),
  modules: new Map(modules.map((module) => [module.module, outputOf(module, dtype)])),
});

/** Eager mode keeps stubs and functionals as modules, FX scales by name; null: FX, or nothing but dynamic modules. */
function eagerModules({ modules, values }: QuantizedModel, { modules: affines }: TraceRequest): EagerModules | null {
  const bare = modules.filter(({ weight, operator }) => weight === null && (operator === null || operator === STUB));
  const isStub = ({ operator }: QuantizedModule): boolean => operator === STUB;
  if (values.length > 0 || !bare.some(isStub)) return null;
  const only = (of: readonly QuantizedModule[]): Map<string, Affine> =>
    new Map(of.map(({ module }) => [module, affines.get(module)!]));
  return { stubs: only(bare.filter(isStub)), functionals: only(bare.filter((module) => !isStub(module))) };
}

const STUB = 'quantize_per_tensor';

function requireFit({ file }: TransferSource, problems: readonly string[]): void {
  if (problems.length) fail('QuantizedModelDiffers', { file, problems });
}

interface Done {
  readonly source: TransferSource;
  readonly trace: Trace;
  readonly placed: readonly Placed[];
  readonly format: TransferRequest['format'];
  readonly types: CodeTypes;
  readonly activations: DynamicActivations;
}

function factsOf({ source, trace, placed, format, types, activations }: Done): Quantization {
  const modules = placed.map(({ module, found }) => ({
    module: module.module,
    node: found?.node.name ?? null,
    mode: module.mode,
    codes: module.weight?.codes.byteLength ?? 0,
    scaleFrom: module.sources.output && SCALE_SOURCES[module.sources.output],
  }));
  const others = [...trace.quantized].filter((unit) => !placed.some((p) => p.unit === unit));
  return {
    approach: 'transferred',
    format,
    calibration: null,
    quantized: modules.length + others.length,
    skipped: source.float.map(({ module, type }) => ({
      node: module,
      operator: type ?? '',
      reason: 'PyTorch computed it in float',
    })),
    layers: [],
    transfer: {
      file: source.file,
      types,
      activations: source.modules.some(({ mode }) => mode === 'dynamic') ? activations : null,
      modules,
      operators: others.length,
    },
  };
}

const outputOf = ({ mode, output }: QuantizedModule, dtype: 'uint8' | 'int8'): Affine | null =>
  mode === 'static' && output ? affineAs(wholeOf(output), dtype) : null;

const differencesIn = ({ differences }: QuantizedModel): string[] =>
  differences.map(({ module, place, used, other }) => {
    const said = ({ from, scale, zeroPoint }: SourcedAffine): string =>
      `${SCALE_SOURCES[from]} says scale ${scale}, zero point ${zeroPoint}`;
    return `${place} of "${module}": ${said(used)}, which is used; ${said(other)}`;
  });

interface Assumed {
  readonly trace: Trace;
  readonly trained: readonly string[];
  readonly activations: DynamicActivations;
}

/** What the file does not say, and what was taken for it. */
function assumptions({ approach, modules }: QuantizedModel, { trace, trained, activations }: Assumed): string[] {
  const isDynamic = modules.some(({ mode }) => mode === 'dynamic');
  const warnings: string[] = [];
  if (approach !== 'qat' && trained.length > 0)
    warnings.push(
      `the codes of ${trained.map((name) => `"${name}"`).join(', ')} are not the weights of the FP32 graph rounded: ` +
        'all parameters are taken from the quantized model, as after quantization-aware training',
    );
  if (isDynamic && activations === 'torch')
    warnings.push(
      "dynamic modules quantize activations to 7 bits, as PyTorch's x86 engines do; on qnnpack PyTorch uses 8",
    );
  for (const { nodes } of trace.assumed)
    warnings.push(
      `the output of "${nodes[0]!.name}" is rounded as FX graph mode does by default: its scale is in no file`,
    );
  return warnings;
}

function wholeOf(qparams: QParams): Affine {
  const affine = affineOf(qparams);
  if (!affine) throw new Error('an activation has one scale for each channel');
  return affine;
}
