/**
 * Dynamic quantization: int8 weights, activations quantized anew in every run. The subgraph is the one onnxruntime
 * fuses to DynamicQuantizeMatMul.
 */
import { dataTypeNumber } from '../onnx/data-type.ts';
import { attribute, type Graph, type Node, type Value } from '../onnx/ir.ts';
import { asFloat32, bytesOf, transposeBytes } from '../tensor/arithmetic.ts';
import { derivedData, type TensorData } from '../tensor/data.ts';
import { constantOf, float, int } from '../onnx/match.ts';
import { floatValues } from './float-values.ts';
import { Grids } from './grids.ts';
import { isLookup, lookupWriter } from './lookup.ts';
import type { NodePlan, Plan, PlanOf, TensorPlan } from './plan.ts';
import { RULES } from './rules.ts';
import { removeReplaced, type WriteRequest, type Written } from './written.ts';

const FLOAT_CONV =
  'integer convolutions load only in recent onnxruntime versions and have one scale for all channels: ' +
  'dynamic quantization leaves them in float';
const NO_FORM = 'it has no dynamic form';

/** Why operators with weights stay in float; whatever else there is has nothing to quantize. */
const NOT_DYNAMIC: Readonly<Record<string, string>> = {
  Conv: FLOAT_CONV,
  ConvTranspose: FLOAT_CONV,
  LSTM: NO_FORM,
  GRU: NO_FORM,
  RNN: NO_FORM,
  Einsum: NO_FORM,
};

/** Products with a constant matrix on the right, and lookups. */
export function planDynamic(graph: Graph, refused: ReadonlyMap<Node, string>): Plan {
  const reasons = new Map(refused);
  const nodes = new Map<Node, NodePlan>();
  const weights = new Map<string, TensorPlan>();
  const floats = floatValues(graph);
  for (const node of graph.nodes) {
    const reason = reasons.get(node) ?? reasonAgainst(node);
    if (reason === null)
      nodes.set(node, {
        node,
        inputs: node.inputs.map((_, i) => weightPlan(node, i, weights)),
        output: null,
        more: [],
        addition: null,
      });
    else if (reason !== NOTHING && floats.has(node.outputs[0]!)) reasons.set(node, reason);
  }
  return {
    nodes,
    folded: [],
    skipped: [...reasons].map(([node, reason]) => ({ node: node.name, operator: node.op, reason })),
  };
}

/** Not worth a line in the report. */
const NOTHING = '';

const WEIGHT_INPUT: Readonly<Record<string, number>> = { MatMul: 1, Gemm: 1, Gather: 0 };

function reasonAgainst(node: Node): string | null {
  if (node.domain !== '') return NOTHING;
  const at = WEIGHT_INPUT[node.op];
  if (at === undefined) return NOT_DYNAMIC[node.op] ?? NOTHING;
  const data = constantOf(node.inputs[at]);
  if (!data) return node.op === 'Gather' ? 'its table is computed' : 'it multiplies two computed tensors';
  if (data.dtype !== 'float32') return `its weight is ${data.dtype}`;
  if (data.shape.length !== 2 || data.byteLength === 0) return 'its weight is no matrix';
  if (node.op === 'Gather') return RULES['Gather']!.refuse!(node);
  if (constantOf(node.inputs[0])) return 'it is a constant';
  if (node.op === 'Gemm' && int(node, 'transA')) return 'its left side is transposed';
  if ((float(node, 'alpha') ?? 1) !== 1) return 'alpha is not 1';
  if (node.inputs[2] && (float(node, 'beta') ?? 1) !== 1 && constantOf(node.inputs[2])?.dtype !== 'float32')
    return 'beta is not 1 and its bias is computed';
  return null;
}

function weightPlan(node: Node, index: number, known: Map<string, TensorPlan>): TensorPlan | null {
  if (index !== WEIGHT_INPUT[node.op]) return null;
  const value = node.inputs[index]!;
  const axis = node.op === 'MatMul' || (node.op === 'Gemm' && !int(node, 'transB')) ? 1 : 0;
  const key = `${value.name} ${axis}`;
  const plan = known.get(key) ?? { kind: 'weight', value, data: constantOf(value)!, axis };
  known.set(key, plan);
  return plan;
}

interface Quantized {
  readonly codes: Value;
  readonly scale: Value;
  readonly zeroPoint: Value;
}

export function insertDynamic({ graph, plan, params }: WriteRequest): Written[] {
  const grids = new Grids(graph, params);
  const writeLookup = lookupWriter(grids);
  const activations = new Map<Value, Quantized>();
  const transposed = new Map<TensorPlan, Value>();
  const quantized = (value: Value): Quantized => {
    const known = activations.get(value) ?? addQuantize(grids, value);
    activations.set(value, known);
    return known;
  };
  const matrixOf = (weight: PlanOf<'weight'>): Value => {
    if (weight.axis === 1) return grids.codesOf(weight);
    const known =
      transposed.get(weight) ??
      grids.constant(`${weight.value.name}_transposed`, transposedData(grids.codeDataOf(weight)));
    transposed.set(weight, known);
    return known;
  };
  const nodes = [...plan.nodes.values()];
  const written = nodes.map((nodePlan): Written => {
    if (isLookup(nodePlan)) return writeLookup(nodePlan);
    const { node } = nodePlan;
    const weight = nodePlan.inputs[1] as PlanOf<'weight'>;
    return writeProduct(grids, node, quantized(node.inputs[0]!), matrixOf(weight), weight);
  });
  removeReplaced(graph, nodes);
  graph.sortNodes();
  return written;
}

function addQuantize(grids: Grids, value: Value): Quantized {
  const codes = grids.value(`${value.name}_quantized`, 'uint8', value);
  const scale = grids.typed(`${value.name}_scale`, 'float32', []);
  const zeroPoint = grids.typed(`${value.name}_zero_point`, 'uint8', []);
  grids.add({ op: 'DynamicQuantizeLinear', inputs: [value], output: codes, more: [scale, zeroPoint] });
  return { codes, scale, zeroPoint };
}

function writeProduct(grids: Grids, node: Node, x: Quantized, matrix: Value, weight: PlanOf<'weight'>): Written {
  const [result] = node.outputs as [Value];
  const { origin } = node;
  const grid = grids.gridOf(weight);
  const bias = node.inputs[2] ?? null;
  const name = result.name;
  const value = (suffix: string, dtype: 'int32' | 'float32'): Value => grids.value(`${name}_${suffix}`, dtype, result);

  const sums = value('sums', 'int32');
  grids.add({ op: 'MatMulInteger', inputs: [x.codes, matrix, x.zeroPoint, grid.zeroPoint], output: sums, origin });
  const numbers = value('sums_float', 'float32');
  grids.add({
    op: 'Cast',
    inputs: [sums],
    output: numbers,
    attributes: [['to', attribute.int(dataTypeNumber('float32'))]],
    origin,
  });
  const scale = grids.typed(`${name}_scale`, 'float32', grid.scale.type!.shape);
  grids.add({ op: 'Mul', inputs: [x.scale, grid.scale], output: scale, origin });
  const product = value('scaled', 'float32');
  if (!bias) grids.supersede(result, product, 'replaced');
  grids.add({ op: 'Mul', inputs: [numbers, scale], output: product, origin });
  const last = bias ? value('biased', 'float32') : product;
  if (bias) {
    grids.supersede(result, last, 'replaced');
    grids.add({ op: 'Add', inputs: [product, scaledBias(grids, node, bias)], output: last, origin });
  }
  grids.graph.removeNode(node);
  return { node, tensor: name, value: last, grid: null };
}

function scaledBias(grids: Grids, node: Node, bias: Value): Value {
  const beta = float(node, 'beta') ?? 1;
  if (beta === 1) return bias;
  const data = constantOf(bias)!;
  return grids.constant(
    `${bias.name}_scaled`,
    derivedData('float32', data.shape, [data], (bytes) => bytesOf(asFloat32(bytes).map((v) => v * beta))),
  );
}

/** On a new tensor: others may read the matrix as it is. */
function transposedData(codes: TensorData): TensorData {
  const [rows, columns] = codes.shape as [number, number];
  return derivedData(codes.dtype, [columns, rows], [codes], (bytes) => transposeBytes(bytes, rows, columns));
}
