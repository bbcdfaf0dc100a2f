/** Writes weights in blocks for onnxruntime's own kernels: MatMulNBits, and GatherBlockQuantized for tables. */
import type { Value } from '../../onnx/ir.ts';
import { type NodePlan, type PlanOf, type TensorPlan } from '../plan.ts';
import { isLookup } from '../rules.ts';
import { type BlockedData, BlockedWeights } from '../weight-only/blocked-weights.ts';
import { scaledBias } from './scaled-bias.ts';
import type { WriteRequest, Written } from './writer.ts';
import { typeLike, Writing } from './writing.ts';

type Weight = PlanOf<'blocked'>;
/** Codes, scales and zero points in the order operators read them. */
interface Inputs {
  readonly codes: Value;
  readonly scale: Value;
  readonly zeroPoint: Value | null;
}

/** Activations stay float32: at level 4, and in files that say nothing of it, they may be rounded to int8. */
const ACCURACY_LEVEL = 1;

export function writeNBits({ model, plan, fitted }: WriteRequest): Written[] {
  const writing = new Writing(model);
  const weights = new BlockedWeights(fitted ?? new Map());
  const [tables, matrices] = [new Map<TensorPlan, Inputs>(), new Map<TensorPlan, Inputs>()];
  const inputsOf = (known: Map<TensorPlan, Inputs>, weight: Weight, data: BlockedData): Inputs => {
    const { name } = weight.value;
    const inputs = known.get(weight) ?? {
      codes: writing.constant(`${name}_quantized`, data.codes),
      scale: writing.constant(`${name}_scale`, data.scale),
      zeroPoint: data.zeroPoint && writing.constant(`${name}_zero_point`, data.zeroPoint),
    };
    known.set(weight, inputs);
    return inputs;
  };
  const written = [...plan.nodes.values()].map((nodePlan): Written => {
    const weight = nodePlan.inputs.find((tensor) => tensor?.kind === 'blocked') as Weight;
    return isLookup(nodePlan.node)
      ? writeLookup(writing, nodePlan, { weight, inputs: inputsOf(tables, weight, weights.asTable(weight)) })
      : writeProduct(writing, nodePlan, { weight, inputs: inputsOf(matrices, weight, weights.asNBits(weight)) });
  });
  writing.finish();
  return written;
}

interface Operand {
  readonly weight: Weight;
  readonly inputs: Inputs;
}

function writeProduct(writing: Writing, { node }: NodePlan, { weight, inputs }: Operand): Written {
  const [result] = node.outputs as [Value];
  const { origin } = node;
  const { name } = result;
  const { data, granularity, spec } = weight;
  const axis = granularity.kind === 'block' ? granularity.axis : 0;
  const bias = node.inputs[2] ?? null;
  const type = typeLike('float32', result);
  const replaced = { replaces: writing.readersOf(result), suffix: 'replaced' };
  const product = writing.add({
    contrib: 'MatMulNBits',
    inputs: [node.inputs[0]!, inputs.codes, inputs.scale, inputs.zeroPoint],
    attributes: {
      K: data.shape[axis]!,
      N: data.shape[1 - axis]!,
      bits: spec.bits,
      block_size: spec.blockSize,
      accuracy_level: ACCURACY_LEVEL,
    },
    type,
    origin,
    ...(bias ? { name: `${name}_product` } : replaced),
  });
  const last = bias
    ? writing.add({ op: 'Add', inputs: [product, scaledBias(writing, node, bias)], type, origin, ...replaced })
    : product;
  writing.graph.removeNode(node);
  return { node, tensor: name, value: last, qparams: null };
}

function writeLookup(writing: Writing, { node }: NodePlan, { weight, inputs }: Operand): Written {
  const [result] = node.outputs as [Value];
  const { name } = result;
  const value = writing.add({
    contrib: 'GatherBlockQuantized',
    inputs: [inputs.codes, node.inputs[1]!, inputs.scale, inputs.zeroPoint],
    attributes: { gather_axis: 0, quantize_axis: 1, block_size: weight.spec.blockSize, bits: weight.spec.bits },
    type: typeLike('float32', result),
    origin: node.origin,
    replaces: writing.readersOf(result),
    suffix: 'replaced',
  });
  writing.graph.removeNode(node);
  return { node, tensor: name, value, qparams: null };
}
