/** INT8 as PyTorch computed it: which tensors it rounded and its integer weights, carried over to the FP32 graph. */
import { fail } from '../../errors.ts';
import { inferModel } from '../../onnx/infer.ts';
import type { Model } from '../../onnx/ir.ts';
import { CONTRIB_DOMAIN } from '../../onnx/schema/contrib.ts';
import type { Quantization } from '../../report/report.ts';
import type { QParams } from '../../tensor/qparams.ts';
import { affineOf } from '../../torch/quantized/affine.ts';
import {
  type Affine,
  type QuantizedModel,
  type SavedModule,
  SCALE_SOURCES,
} from '../../torch/quantized/quantized-model.ts';
import type { QuantizedModule } from '../../torch/quantized-weights.ts';
import { affineAs, CODE_TYPES, type CodeTypes, weightAs } from './code-types.ts';
import { Editor } from './editor.ts';
import { type LinearRecipe, RECIPES, withIntegerBias } from './recipes.ts';
import { toQOperators } from './to-qoperator.ts';
import { type Trace, traceRounding } from './trace.ts';
import { type DynamicActivations, dynamicWriter } from './write-dynamic.ts';
import { type Weighted, weightedNode, writeEmbedding, writeRounding, writeWeights } from './write-qdq.ts';
import type { Unit } from './units.ts';

/** What a reader found in a quantized PyTorch model, and where. */
export interface TransferSource extends QuantizedModel {
  readonly file: string;
}

export interface TransferRequest {
  readonly source: TransferSource;
  readonly recipe: LinearRecipe;
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
export function transfer(model: Model, request: TransferRequest): Transferred {
  const { source, recipe, format, types = 'U8S8', activations = 'torch' } = request;
  const { graph } = model;
  const codes = CODE_TYPES[types];
  inferModel(model);
  const byPath = new Map(source.modules.map((module) => [module.module, module] as const));
  const trace = traceRounding({
    graph,
    paths: source.paths,
    values: new Map(
      source.values.map((value) => [value.name, affineAs(wholeOf(value.qparams), codes.activations)] as const),
    ),
    modules: new Map(source.modules.map((m) => [m.module, outputOf(m, codes.activations)])),
  });
  const placed = placeModules(trace.units, byPath);
  requireAllPlaced(source, trace, placed);
  const editor = new Editor(graph);
  const { bias, roundsBeforeRelu } = RECIPES[recipe];
  replaceTrained(editor, source, placed);
  writeRounding(editor, trace, () => roundsBeforeRelu);
  const writeDynamic = dynamicWriter(editor, activations);
  for (const { module, found } of placed) {
    if (!found || !module.weight) continue;
    const weights = { ...weightAs(module.weight, codes.weights), bias: module.bias };
    if (found.node.op === 'Gather') writeEmbedding(editor, found, weights);
    else if (module.mode === 'dynamic') writeDynamic(found, weights);
    else writeWeights(editor, found, weights);
    if (bias === 'int32' && module.mode === 'static') withIntegerBias(editor, found);
  }
  graph.sortNodes();
  if (format === 'QLinear' && toQOperators(editor)) model.opsets.set(CONTRIB_DOMAIN, 1);
  graph.sortNodes();
  return { warnings: warningsOf(source), facts: factsOf({ source, trace, placed, format }) };
}

interface Done {
  readonly source: TransferSource;
  readonly trace: Trace;
  readonly placed: readonly Placed[];
  readonly format: TransferRequest['format'];
}

function factsOf({ source, trace, placed, format }: Done): Quantization {
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
    transfer: { file: source.file, modules, operators: others.length },
  };
}

const outputOf = ({ mode, output }: QuantizedModule, dtype: 'uint8' | 'int8'): Affine | null =>
  mode === 'static' && output ? affineAs(wholeOf(output), dtype) : null;

const warningsOf = ({ differences, unread }: QuantizedModel): string[] => [
  ...differences.map(({ module, place, used, other }) => {
    const text = ({ scale, zeroPoint }: Affine): string => `scale ${scale}, zero point ${zeroPoint}`;
    return (
      `${place} of "${module}": ${SCALE_SOURCES[used.from]} says ${text(used)}, which is used; ` +
      `${SCALE_SOURCES[other.from]} says ${text(other)}`
    );
  }),
  ...unread.map(({ name, reason }) => `"${name}" of the quantized model was not read: ${reason}`),
];

interface Placed {
  readonly module: SavedModule;
  readonly unit: Unit;
  readonly found: Weighted | null;
}

const placeModules = (units: readonly Unit[], byPath: ReadonlyMap<string, SavedModule>): Placed[] =>
  units.flatMap((unit) => {
    const module = unit.module === null ? undefined : byPath.get(unit.module);
    return module ? [{ module, unit, found: module.weight ? weightedNode(unit) : null }] : [];
  });

/** Refuses what would otherwise stay in float, or be rounded at the wrong place, without a word. */
function requireAllPlaced(source: TransferSource, trace: Trace, placed: readonly Placed[]): void {
  const problems: string[] = [];
  const seen = new Map(placed.map((p) => [p.module.module, p] as const));
  for (const { module, weight, mode, output } of source.modules) {
    const at = seen.get(module);
    if (!at) problems.push(`module "${module}" is quantized in the file and has no operator in the graph`);
    else if (weight && !at.found)
      problems.push(
        `module "${module}" has quantized weights, and none of its operators (${names(at.unit)}) has constant ones`,
      );
    else if (weight && at.found) problems.push(...shapeProblems(at, weight.codes.shape));
    if (at && mode === 'static' && output && !trace.quantized.has(at.unit))
      problems.push(
        `module "${module}" reads a tensor (${at.unit.inputs.map((v) => v.name).join(', ')}) for which ` +
          'the file has no scale',
      );
  }
  for (const name of trace.unused) problems.push(`"${name}" of the file belongs to no tensor of the graph`);
  if (problems.length) fail('QuantizedModelDiffers', { file: source.file, problems });
}

const names = (unit: Unit): string => unit.nodes.map((node) => node.name || node.op).join(', ');

function shapeProblems({ module, found }: Placed, codes: readonly number[]): string[] {
  const { node, weightIndex } = found!;
  const shape = node.inputs[weightIndex]!.type?.shape ?? [];
  const sorted = (dims: readonly unknown[]): string =>
    dims
      .map(Number)
      .sort((a, b) => a - b)
      .join();
  const isMatrix = node.op === 'MatMul' || node.op === 'Gemm';
  const same = isMatrix ? sorted(shape) === sorted(codes) : shape.join() === codes.join();
  return same
    ? []
    : [
        `the weight of "${module.module}" is [${codes.join(', ')}] in the file and [${shape.join(', ')}] ` +
          `at "${node.name}"`,
      ];
}

/** Float parameters of quantization-aware training, in place of those of the FP32 model. */
function replaceTrained(
  editor: Editor,
  { file, approach, parameters }: TransferSource,
  placed: readonly Placed[],
): void {
  if (approach !== 'qat') return;
  const biases = new Set(placed.filter(({ module }) => module.bias).map(({ module }) => `${module.module}.bias`));
  const byName = new Map([...editor.graph.initializers].map((value) => [value.name, value] as const));
  const problems: string[] = [];
  for (const [name, data] of parameters) {
    if (biases.has(name)) continue;
    const value = byName.get(name);
    if (value?.data?.shape.join() === data.shape.join() && value.data.dtype === data.dtype) value.data = data;
    else problems.push(`the trained parameter "${name}" [${data.shape.join(', ')}] is no initializer of the graph`);
  }
  if (problems.length) fail('QuantizedModelDiffers', { file, problems });
}

function wholeOf(qparams: QParams): Affine {
  const affine = affineOf(qparams);
  if (!affine) throw new Error('an activation has one scale for each channel');
  return affine;
}
