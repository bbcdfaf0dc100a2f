/** Operators that move elements, on constants of any element type. */
import { elementCount, rowMajorStrides } from '../../../tensor/type.ts';
import {
  broadcastIndices,
  combine,
  type Constant,
  constant,
  elementSize,
  indicesOf,
  take,
  wholesOf,
} from './constant.ts';
import type { Call, Evaluate } from './evaluator.ts';
import { stridedCopy } from './strided.ts';

const axisIn = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The same bytes: the output type, known by inference, has the shape. */
const reshaped: Evaluate = ({ inputs, shapes }) => ({ ...inputs[0]!, shape: shapes[0]! });

interface Layout {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset?: number;
}

const view = (data: Constant, { shape, strides, offset = 0 }: Layout): Constant => ({
  dtype: data.dtype,
  shape,
  bytes: stridedCopy(data.bytes, { size: elementSize(data.dtype), shape, strides, offset }),
});

const transpose: Evaluate = ({ node, inputs }) => {
  const data = inputs[0]!;
  const strides = rowMajorStrides(data.shape);
  const perm = node.ints('perm') ?? range(data.shape.length).reverse();
  return view(data, { shape: perm.map((p) => data.shape[p]!), strides: perm.map((p) => strides[p]!) });
};

const gather: Evaluate = ({ node, inputs, shapes }) => {
  const [data, indices] = inputs as [Constant, Constant];
  const axis = axisIn(node.int('axis'), data.shape.length);
  const size = data.shape[axis]!;
  const picks = indicesOf(indices).map((i) => axisIn(i, size));
  if (picks.some((i) => i < 0 || i >= size)) return null;
  const block = elementCount(data.shape.slice(axis + 1)) * elementSize(data.dtype);
  const outer = elementCount(data.shape.slice(0, axis));
  const bytes = new Uint8Array(outer * picks.length * block);
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const pick of picks) {
      const from = (o * size + pick) * block;
      bytes.set(data.bytes.subarray(from, from + block), to);
      to += block;
    }
  }
  return { dtype: data.dtype, shape: shapes[0]!, bytes };
};

const concat: Evaluate = ({ node, inputs, shapes }) => {
  const parts = inputs as readonly Constant[];
  const dtype = parts[0]!.dtype;
  const shape = shapes[0]!;
  const axis = axisIn(node.int('axis'), shape.length);
  const bytes = new Uint8Array(elementCount(shape) * elementSize(dtype));
  const blocks = parts.map((part) => elementCount(part.shape.slice(axis)) * elementSize(dtype));
  let at = 0;
  for (let outer = 0; outer < elementCount(shape.slice(0, axis)); outer++) {
    parts.forEach((part, i) => {
      bytes.set(part.bytes.subarray(outer * blocks[i]!, (outer + 1) * blocks[i]!), at);
      at += blocks[i]!;
    });
  }
  return { dtype, shape, bytes };
};

const slice: Evaluate = ({ inputs, shapes }) => {
  const [data, starts, , axes = null, steps = null] = inputs as [
    Constant,
    Constant,
    Constant,
    Constant | null | undefined,
    Constant | null | undefined,
  ];
  const strides = rowMajorStrides(data.shape);
  const firsts = indicesOf(starts);
  const at = (axes ? indicesOf(axes) : range(firsts.length)).map((axis) => axisIn(axis, data.shape.length));
  const stepList = steps ? indicesOf(steps) : firsts.map(() => 1);
  let offset = 0;
  const stepped = [...strides];
  at.forEach((axis, i) => {
    const size = data.shape[axis]!;
    const step = stepList[i]!;
    const given = firsts[i]! < 0 ? firsts[i]! + size : firsts[i]!;
    offset += Math.min(Math.max(given, 0), step > 0 ? size : size - 1) * strides[axis]!;
    stepped[axis] = strides[axis]! * step;
  });
  return view(data, { shape: shapes[0]!, strides: stepped, offset });
};

const tile: Evaluate = ({ inputs, shapes }) => {
  const data = inputs[0]!;
  const strides = rowMajorStrides(data.shape);
  return take(
    data,
    combine(shapes[0]!.map((size, axis) => range(size).map((i) => (i % data.shape[axis]!) * strides[axis]!))),
    shapes[0]!,
  );
};

const split: Evaluate = ({ node, inputs, shapes }) => {
  const data = inputs[0]!;
  const axis = axisIn(node.int('axis'), data.shape.length);
  const strides = rowMajorStrides(data.shape);
  let from = 0;
  return shapes.map((shape) => {
    const offset = from * strides[axis]!;
    from += shape[axis]!;
    return view(data, { shape, strides, offset });
  });
};

const trilu: Evaluate = ({ node, inputs }) => {
  const [data, k = null] = inputs as [Constant, Constant | null | undefined];
  const shift = k ? indicesOf(k)[0]! : 0;
  const isUpper = node.int('upper') === 1;
  const size = elementSize(data.dtype);
  const [rows, columns] = data.shape.slice(-2) as [number, number];
  const bytes = data.bytes.slice();
  for (let i = 0; i < elementCount(data.shape); i++) {
    const row = Math.floor(i / columns) % rows;
    const column = i % columns;
    if (isUpper ? column - row < shift : column - row > shift) bytes.fill(0, i * size, (i + 1) * size);
  }
  return { ...data, bytes };
};

/** Whole numbers only: runtimes differ in how they add up a range of floats. */
const countUp: Evaluate = ({ inputs, shapes, dtypes }) => {
  if (dtypes[0] === 'float32' || dtypes[0] === 'float64') return null;
  const [start, , delta] = (inputs as readonly Constant[]).map((c) => wholesOf(c)[0]!);
  return constant(
    dtypes[0]!,
    shapes[0]!,
    range(shapes[0]![0]!).map((i) => start! + BigInt(i) * delta!),
  );
};

const filled = ({ node, shapes }: Call): Constant | null => {
  const value = node.attribute('value');
  const shape = shapes[0]!;
  if (value?.kind !== 'tensor') return constant('float32', shape, new Array<number>(elementCount(shape)).fill(0));
  const { dtype, memory } = value.value;
  return memory && elementSize(dtype)
    ? take({ dtype, shape: [1], bytes: memory }, new Int32Array(elementCount(shape)), shape)
    : null;
};

export const MOVEMENT: Readonly<Record<string, Evaluate>> = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: transpose,
  Gather: gather,
  Concat: concat,
  Slice: slice,
  Tile: tile,
  Split: split,
  Trilu: trilu,
  Expand: ({ inputs, shapes }) => take(inputs[0]!, broadcastIndices(inputs[0]!.shape, shapes[0]!), shapes[0]!),
  Range: countUp,
  ConstantOfShape: filled,
};
