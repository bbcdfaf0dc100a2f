/** Modules of a quantized PyTorch model and the units of a graph that compute them; what does not fit is named. */
import type { Node } from '../../onnx/ir.ts';
import { float, int, isStandard } from '../../onnx/match.ts';
import type { QuantizedModel, SavedModule } from '../../torch/quantized/quantized-model.ts';
import type { Trace } from './trace.ts';
import type { Unit } from './units.ts';
import { isTransposed, type Weighted, weightedNodes } from './weighted.ts';

/** One call of a module. */
export interface Placed {
  readonly module: SavedModule;
  readonly unit: Unit;
  /** null for a module without integer weights. */
  readonly found: Weighted | null;
}

export function placeModules(units: readonly Unit[], modules: readonly SavedModule[]): Placed[] {
  const byPath = new Map(modules.map((module) => [module.module, module] as const));
  return units.flatMap((unit) => {
    const module = unit.module === null ? undefined : byPath.get(unit.module);
    return module ? [{ module, unit, found: module.weight ? (weightedNodes(unit)[0] ?? null) : null }] : [];
  });
}

/** What would otherwise stay in float, or be computed from other numbers than PyTorch's, without a word. */
export function misfits(source: QuantizedModel, trace: Trace, placed: readonly Placed[]): string[] {
  const seen = new Set(placed.map(({ module }) => module.module));
  return [
    ...source.modules
      .filter(({ module }) => !seen.has(module) && !trace.placed.has(module))
      .map(({ module }) => `module "${module}" is quantized in the file and has no operator in the graph`),
    ...placed.flatMap((at) => [...weightProblems(at), ...inputProblems(at, trace)]),
    ...trace.problems,
    ...trace.unused.map((name) => `"${name}" of the file belongs to no tensor of the graph`),
    ...source.unread.map(
      ({ name, reason }) => `"${name}" of the file is quantized and cannot be carried over: ${reason}`,
    ),
  ];
}

function weightProblems({ module, unit, found }: Placed): string[] {
  const { module: path, weight, bias } = module;
  if (!weight) return [];
  if (weight.parameter !== WEIGHT) {
    const why = 'quantize its Linear modules only (quantize_dynamic(model, {torch.nn.Linear}))';
    return [`module "${path}" is a quantized LSTM, GRU or RNN, which cannot be carried over: ${why}`];
  }
  const count = weightedNodes(unit).length;
  if (!found || count !== 1) {
    const has =
      count === 0 ? 'none of its operators has constant ones' : `${count} of its operators have constant ones`;
    return [`module "${path}" has quantized weights, and ${has} (${namesOf(unit)})`];
  }
  const { node, addition } = found;
  const at = node.name || node.op;
  return [
    ...shapeProblems(found, weight.codes.shape).map((problem) => `the weight of "${path}" ${problem} at "${at}"`),
    ...(isPlain(node)
      ? []
      : [`"${at}" of module "${path}" scales or transposes what it multiplies, as no Linear does`]),
    ...(bias && isStandard(node, 'MatMul') && !addition
      ? [`module "${path}" has a bias, and nothing is added at "${at}"`]
      : []),
    ...(!bias && (addition ?? node.inputs[2]) ? [`module "${path}" has no bias, and one is added at "${at}"`] : []),
  ];
}

/** Recurrent modules have several: `weight_ih_l0` ... */
const WEIGHT = 'weight';

const namesOf = (unit: Unit): string => unit.nodes.map((node) => node.name || node.op).join(', ');

const isPlain = (node: Node): boolean =>
  !isStandard(node, 'Gemm') ||
  (float(node, 'alpha') === 1 && (node.inputs[2] ? float(node, 'beta') === 1 : true) && int(node, 'transA') === 0);

function shapeProblems({ node, weightIndex }: Weighted, codes: readonly number[]): string[] {
  const found = node.inputs[weightIndex]!.type?.shape ?? [];
  const expected = isTransposed(node) ? codes.toReversed() : codes;
  return found.join() === expected.join() ? [] : [`is [${expected.join(', ')}] in the file and [${found.join(', ')}]`];
}

function inputProblems({ module, unit }: Placed, trace: Trace): string[] {
  if (module.mode !== 'static' || !module.output || trace.quantized.has(unit)) return [];
  const inputs = unit.inputs.filter((value) => !value.data).map(({ name }) => `"${name}"`);
  return [`module "${module.module}" reads ${inputs.join(', ')}, for which the file has no scale`];
}
