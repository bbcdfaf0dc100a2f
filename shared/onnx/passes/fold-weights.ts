/**
 * Weights in another layout become initializers of that layout, so that operators and quantization meet them directly.
 */
import { derivedData, memoryData, reshapedData, storedData, type TensorData } from '../../tensor/data.ts';
import { byteLength, type Dtype, DTYPES } from '../../tensor/dtype.ts';
import { elementCount, staticShape } from '../../tensor/type.ts';
import type { Builder } from '../builder.ts';
import type { Node, Value } from '../ir.ts';
import type { Rule } from '../pass.ts';
import { evaluation } from './fold-constants.ts';
import { int, integers } from '../match.ts';
import { nameMadeFrom } from './name-values.ts';

interface Layout {
  /** What the new name says was done; a reshaped weight keeps its name. */
  readonly suffix: string;
  /** Of operators that cut: the row at which parts begin that follow each other along the first axis, else null. */
  firstRow?(node: Node, rows: number): number | null;
  /** Every input is a weight; else the first, and small tensors say what to do with it. */
  readonly joins?: true;
  /** Whether what it picks is there. */
  picksExist?(node: Node, data: TensorData): boolean;
}

const LAYOUTS = {
  Reshape: { suffix: '' },
  Flatten: { suffix: '' },
  Squeeze: { suffix: '' },
  Unsqueeze: { suffix: '' },
  Transpose: { suffix: '.transposed' },
  Slice: { suffix: '.slice', firstRow: startOfSlice },
  Split: { suffix: '.split', firstRow: (node) => (int(node, 'axis') === 0 ? 0 : null) },
  Gather: { suffix: '.gathered', picksExist: hasRows },
  Concat: { suffix: '.joined', joins: true },
} as const satisfies Record<string, Layout>;
const layoutOf = ({ op }: Node): Layout => LAYOUTS[op as keyof typeof LAYOUTS];

/** The same bytes, or a range of them: the weight stays where it lies in the file. */
export const moveWeights: Rule = {
  name: 'move-weights',
  root: ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Slice', 'Split'],
  rewrite: (node, op) => replaced(node, op, sameBytes),
};

/** Elements in another order: computed when the file is written. */
export const foldWeights: Rule = {
  name: 'fold-weights',
  newWeights: true,
  root: ['Transpose', 'Slice', 'Split', 'Gather', 'Concat'],
  rewrite: (node, op) => replaced(node, op, reordered),
};

type NewData = (node: Node, data: readonly TensorData[], op: Builder) => readonly TensorData[] | null;

function replaced(node: Node, op: Builder, newData: NewData): readonly Value[] | null {
  const w = node.inputs[0];
  const data = node.inputs.map((input) => input?.data);
  if (!w || !data.every((d) => d) || weightsOf(node, node.inputs).some((input) => isShared(input!))) return null;
  const results = newData(node, data as readonly TensorData[], op);
  if (!results) return null;
  const { suffix } = layoutOf(node);
  return results.map((d, i) =>
    op.constant(
      d,
      nameMadeFrom(w.name, op, (name) => `${name}${suffix}${results.length > 1 ? `_${i}` : ''}`),
    ),
  );
}

const weightsOf = <T>(node: Node, inputs: readonly T[]): readonly T[] =>
  layoutOf(node).joins ? inputs : inputs.slice(0, 1);

/** A weight that others read too would be in the file twice. */
const isShared = (value: Value): boolean =>
  value.uses.size !== 1 || Boolean([...value.uses][0]?.node.graph?.isOutput(value));

const sameBytes: NewData = (node, [w]) => {
  const data = w!;
  const shapes = staticShapes(node);
  if (!shapes) return null;
  const { firstRow } = layoutOf(node);
  if (!firstRow) return elementCount(shapes[0]!) === elementCount(data.shape) ? [reshapedData(data, shapes[0]!)] : null;
  const first = firstRow(node, data.shape[0] ?? 0);
  if (first === null || DTYPES[data.dtype].bits < 8) return null;
  const rowSize = elementCount(data.shape.slice(1));
  let row = first;
  return shapes.map((shape) => {
    const start = row;
    row += shape[0]!;
    return rangeOf(data, shape, start * rowSize);
  });
};

function startOfSlice(node: Node, rows: number): number | null {
  const [starts, axes, steps] = [
    integers(node.inputs[1]),
    integers(node.inputs[3]) ?? [0],
    integers(node.inputs[4]) ?? [1],
  ];
  if (starts?.length !== 1 || axes.length !== 1 || axes[0] !== 0 || steps[0] !== 1) return null;
  const start = starts[0]! < 0 ? starts[0]! + rows : starts[0]!;
  return Math.min(Math.max(start, 0), rows);
}

function rangeOf(data: TensorData, shape: readonly number[], start: number): TensorData {
  const from = byteLength(data.dtype, start);
  const to = from + byteLength(data.dtype, elementCount(shape));
  if (data.memory) return memoryData(data.dtype, shape, data.memory.subarray(from, to));
  if (data.stored) return storedData(data.dtype, shape, data.stored.slice(from, to));
  return derivedData({ dtype: data.dtype, shape }, [data], (bytes) => bytes.subarray(from, to));
}

const reordered: NewData = (node, data, op) => {
  const shapes = staticShapes(node);
  const evaluate = evaluation(node, op.opset);
  if (
    !shapes ||
    !evaluate ||
    data.some((d) => DTYPES[d.dtype].bits < 8) ||
    layoutOf(node).picksExist?.(node, data[0]!) === false
  )
    return null;
  const size = (tensors: readonly { dtype: Dtype; shape: readonly number[] }[]): number =>
    tensors.reduce((sum, { dtype, shape }) => sum + byteLength(dtype, elementCount(shape)), 0);
  const { dtype } = data[0]!;
  // Gather may repeat rows: never make the file larger.
  if (size(shapes.map((shape) => ({ dtype, shape }))) > size(weightsOf(node, data))) return null;
  return shapes.map((shape, i) =>
    derivedData({ dtype, shape }, data, (...bytes) => {
      const results = evaluate(data.map((d, n) => ({ dtype: d.dtype, shape: d.shape, bytes: bytes[n]! })));
      if (!results) throw new Error(`${node.op} of a weight could not be computed`);
      return results[i]!.bytes;
    }),
  );
};

function hasRows(node: Node, data: TensorData): boolean {
  const size = data.shape.at(int(node, 'axis')!)!;
  return integers(node.inputs[1])?.every((i) => i >= -size && i < size) ?? false;
}

function staticShapes(node: Node): number[][] | null {
  const shapes = node.outputs.map(({ type }) => type && staticShape(type));
  return shapes.every((s) => s !== null) ? shapes : null;
}
