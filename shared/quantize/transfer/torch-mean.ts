/**
 * The mean along an axis summed in the order in which PyTorch sums, so that a mean on the border of two codes goes
 * where PyTorch's goes.
 */
import type { Node, Value } from '../../onnx/ir.ts';
import { decodeInts } from '../../tensor/numbers.ts';
import { constantOf, int } from '../../onnx/match.ts';
import type { Affine } from '../../torch/quantized/quantized-model.ts';
import { type Editor, retyped } from './editor.ts';

/** at::native sums 16 rows into one number and those numbers into the next; from 256 rows on there is a third level. */
const STEP = 16;
const LONGEST = STEP * STEP;

/**
 * Only means over one axis that is not the last and whose length is known: the others PyTorch sums in vector registers,
 * whose number depends on the processor.
 */
export function writeTorchMean(editor: Editor, node: Node): Value | null {
  const x = node.inputs[0]!;
  const axis = axisOf(node, x.type?.shape.length);
  const shape = x.type?.shape;
  const [result] = node.outputs as [Value];
  if (axis === null || !shape || axis === shape.length - 1) return null;
  const length = shape[axis]!;
  if (typeof length !== 'number' || length < 2 || length >= LONGEST) return null;
  const blocks = Math.floor(length / STEP);
  const rest = length - blocks * STEP;
  const write = sequentialSums(editor, result);
  const parts: Value[] = [];
  if (rest > 0)
    parts.push(write(rest === length ? x : slice(editor, x, { axis, from: blocks * STEP, to: length }), axis, rest));
  if (blocks > 0)
    parts.push(
      blockSums(editor, node, {
        x: rest > 0 ? slice(editor, x, { axis, from: 0, to: blocks * STEP }) : x,
        axis,
        blocks,
      }),
    );
  const type = result.type;
  const total = parts.length === 1 ? parts[0]! : editor.add('Add', parts, { name: `${result.name}_sum`, type });
  const mean = editor.add(
    'Div',
    [total, editor.numbers('mean_of', { dtype: 'float32', shape: [], values: [length] })],
    {
      name: `${result.name}_mean`,
      type,
    },
  );
  if ((int(node, 'keepdims') ?? 1) === 0) return mean;
  const axes = editor.numbers('mean_axis', { dtype: 'int64', shape: [1], values: [axis] });
  return editor.add('Unsqueeze', [mean, axes], { name: `${result.name}_kept`, type });
}

function axisOf(node: Node, rank: number | undefined): number | null {
  const attribute = node.attributes.get('axes');
  const data = constantOf(node.inputs[1]);
  const axes =
    attribute?.kind === 'ints'
      ? attribute.value.map(Number)
      : data?.memory
        ? decodeInts(data.dtype, data.memory)
        : null;
  if (axes?.length !== 1 || rank === undefined) return null;
  return axes[0]! < 0 ? axes[0]! + rank : axes[0]!;
}

/** Sums one after the other: CumSum adds in order, and the last of its results is the sum. */
function sequentialSums(editor: Editor, like: Value): (x: Value, axis: number, length: number) => Value {
  return (x, axis, length) => {
    const running = editor.add(
      'CumSum',
      [x, editor.numbers('sum_axis', { dtype: 'int64', shape: [], values: [axis] })],
      {
        name: `${like.name}_running`,
        type: x.type,
      },
    );
    const last = editor.numbers('last_of', { dtype: 'int64', shape: [], values: [length - 1] });
    return editor.add('Gather', [running, last], {
      name: `${like.name}_sum`,
      type: null,
      attributes: { axis: { kind: 'int', value: axis } },
    });
  };
}

function blockSums(editor: Editor, node: Node, { x, axis, blocks }: { x: Value; axis: number; blocks: number }): Value {
  const [result] = node.outputs as [Value];
  const shape = x.type!.shape;
  const sum = sequentialSums(editor, result);
  // 0 keeps a length; axes behind the split one are known or the last unknown one is -1.
  const sizes = [
    ...shape.slice(0, axis).map(() => 0),
    blocks,
    STEP,
    ...shape.slice(axis + 1).map((d) => (typeof d === 'number' ? d : -1)),
  ];
  const split = editor.add(
    'Reshape',
    [x, editor.numbers('blocks', { dtype: 'int64', shape: [sizes.length], values: sizes })],
    {
      name: `${result.name}_blocks`,
      type: null,
    },
  );
  return sum(sum(split, axis + 1, STEP), axis, blocks);
}

function slice(editor: Editor, x: Value, { axis, from, to }: { axis: number; from: number; to: number }): Value {
  const vector = (value: number): Value => editor.numbers('bound', { dtype: 'int64', shape: [1], values: [value] });
  const value = editor.add('Slice', [x, vector(from), vector(to), vector(axis)], {
    name: `${x.name}_part`,
    type: x.type && retyped({ ...x.type, shape: x.type.shape.map((d, i) => (i === axis ? to - from : d)) }, 'float32'),
  });
  return value;
}

/**
 * The multiple of the scale that PyTorch rounds to: it multiplies by `1 / scale` where QuantizeLinear divides, and a
 * mean
 * half-way between two codes falls on another side. As PyTorch up to 2.6 does, which Neural Compressor works with; 2.13
 * adds the zero point before it rounds, so that the two agree on all means but those half-way.
 */
export function writeTorchRounding(
  editor: Editor,
  mean: Value,
  { stem, affine }: { readonly stem: string; readonly affine: Affine },
): Value {
  const number = (name: string, value: number): Value =>
    editor.numbers(`${stem}_${name}`, { dtype: 'float32', shape: [], values: [value] });
  const add = (op: string, inputs: readonly Value[], name: string): Value =>
    editor.add(op, inputs, { name: `${stem}_${name}`, type: mean.type });
  const steps = add('Mul', [mean, number('steps_in_1', 1 / Math.fround(affine.scale))], 'in_steps');
  return add('Mul', [add('Round', [steps], 'whole_steps'), number('step', affine.scale)], 'on_steps');
}
