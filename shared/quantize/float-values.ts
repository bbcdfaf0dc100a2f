/**
 * Which values are floating-point, in models that do not say so: enough to tell shape arithmetic from the model's own.
 */
import type { Graph, Node, Value } from '../onnx/ir.ts';
import { dtypeOfNumber } from '../onnx/data-type.ts';
import { type Dtype, isFloat } from '../tensor/dtype.ts';

const INTEGER = 'int64';

/** Operators whose result does not have the type of their first input. */
const RESULTS: Readonly<
  Record<string, (node: Node, dtypeOf: (value: Value | null | undefined) => Dtype | null) => Dtype | null>
> = {
  Shape: () => INTEGER,
  Size: () => INTEGER,
  NonZero: () => INTEGER,
  ArgMax: () => INTEGER,
  ArgMin: () => INTEGER,
  Equal: () => 'bool',
  Greater: () => 'bool',
  GreaterOrEqual: () => 'bool',
  Less: () => 'bool',
  LessOrEqual: () => 'bool',
  IsNaN: () => 'bool',
  IsInf: () => 'bool',
  OneHot: (node, dtypeOf) => dtypeOf(node.inputs[2]),
  Where: (node, dtypeOf) => dtypeOf(node.inputs[1]),
  QuantizeLinear: (node, dtypeOf) => dtypeOf(node.inputs[2]) ?? 'uint8',
  DequantizeLinear: (node, dtypeOf) => dtypeOf(node.inputs[1]),
  Constant: (node) => tensorDtype(node, 'value'),
  ConstantOfShape: (node) => tensorDtype(node, 'value') ?? 'float32',
  Cast: (node) => {
    const to = node.attributes.get('to');
    return to?.kind === 'int' ? dtypeOfNumber(Number(to.value)) : null;
  },
};

const tensorDtype = (node: Node, name: string): Dtype | null => {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'tensor' ? attribute.value.dtype : null;
};

/** Types are taken from the model where it has them. A value nothing is known of counts as floating-point. */
export function floatValues(graph: Graph): Set<Value> {
  const dtypes = new Map<Value, Dtype | null>();
  const dtypeOf = (value: Value | null | undefined): Dtype | null =>
    value ? (value.type?.dtype ?? dtypes.get(value) ?? null) : null;
  const floats = new Set<Value>();
  for (const node of graph.nodes) {
    const rule = node.domain === '' && Object.hasOwn(RESULTS, node.op) ? RESULTS[node.op]! : null;
    for (const output of node.outputs) {
      const dtype = output.type?.dtype ?? (rule ? rule(node, dtypeOf) : dtypeOf(node.inputs[0]));
      dtypes.set(output, dtype);
      if (dtype === null || isFloat(dtype)) floats.add(output);
    }
  }
  return floats;
}
