/** The operator of a unit that multiplies by its weights or looks them up, and the Add of its bias. */
import type { Node } from '../../onnx/ir.ts';
import { constantOf, int, isStandard } from '../../onnx/match.ts';
import { transposeBytes } from '../../tensor/arithmetic.ts';
import { derivedData } from '../../tensor/data.ts';
import { perAxis } from '../../tensor/qparams.ts';
import type { QuantizedTensor } from '../../torch/quantized-weights.ts';
import type { Unit } from './units.ts';

export interface Weighted {
  readonly node: Node;
  readonly weightIndex: number;
  /** Where the bias is added by a node of its own. */
  readonly addition: { readonly node: Node; readonly index: number } | null;
}

const WEIGHT_INDEX: Readonly<Record<string, number>> = { Conv: 1, ConvTranspose: 1, Gemm: 1, MatMul: 1, Gather: 0 };

/** Which input is the weight; undefined: the operator has none. */
export const weightIndexOf = ({ op, domain }: Node): number | undefined =>
  domain === '' && Object.hasOwn(WEIGHT_INDEX, op) ? WEIGHT_INDEX[op] : undefined;

/** One in a call of a Linear, a convolution or an embedding. */
export const weightedNodes = (unit: Unit): Weighted[] =>
  unit.nodes.flatMap((node) => {
    const weightIndex = weightIndexOf(node);
    if (weightIndex === undefined || constantOf(node.inputs[weightIndex])?.dtype !== 'float32') return [];
    return [{ node, weightIndex, addition: isStandard(node, 'MatMul') ? additionAfter(node, unit) : null }];
  });

function additionAfter(product: Node, unit: Unit): Weighted['addition'] {
  const [use] = product.outputs[0]!.uses;
  if (!use || product.outputs[0]!.uses.size !== 1) return null;
  if (!isStandard(use.node, 'Add') || !unit.nodes.includes(use.node)) return null;
  const index = 1 - use.index;
  return constantOf(use.node.inputs[index]) ? { node: use.node, index } : null;
}

/** PyTorch keeps `[out, in]`; MatMul multiplies by `[in, out]`. */
export const isTransposed = (node: Node): boolean =>
  isStandard(node, 'MatMul') || (isStandard(node, 'Gemm') && int(node, 'transB') === 0);

/** A matrix as `[in, out]`, its scales along the other axis. */
export function turned<T extends QuantizedTensor>(weight: T): T {
  const { codes, qparams } = weight;
  const [rows, columns] = codes.shape as [number, number];
  const { granularity } = qparams;
  return {
    ...weight,
    codes: derivedData({ dtype: codes.dtype, shape: [columns, rows] }, [codes], (bytes) =>
      transposeBytes(bytes, rows, columns),
    ),
    qparams: granularity.kind === 'axis' ? { ...qparams, granularity: perAxis(1 - granularity.axis) } : qparams,
  };
}
