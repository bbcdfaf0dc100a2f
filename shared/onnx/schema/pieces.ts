/** Putting tensors together and taking them apart: Concat, Split, Slice, Pad. */
import { addDims, ceilDivDims, type Dim, divideExactly, isStatic, mulDims, subDims } from '../../tensor/dim.ts';
import { boundsOf } from './content.ts';
import type { Inferred, OpCall, OpRow } from './row.ts';
import {
  agreeDim,
  axesIn,
  axisIn,
  commonDtype,
  replaceDim,
  size,
  sumDims,
  typed,
  vectorContent,
} from './shape-rules.ts';
import { sliceLength, sliceList } from './slice.ts';

export const PIECES = {
  Concat: {
    since: [1, 4, 11, 13],
    inputs: 'inputs...',
    outputs: 'concat_result',
    attributes: { axis: { kind: 'int' } },
    infer: concat,
  },
  Split: {
    since: [1, 2, 11, 13, 18],
    inputs: 'input split?',
    outputs: 'outputs...',
    attributes: {
      axis: { kind: 'int', default: 0 },
      num_outputs: { kind: 'int', since: 18, optional: true },
      split: { kind: 'ints', optional: true, until: 13 },
    },
    infer: split,
  },
  Slice: {
    since: [1, 10, 11, 13],
    inputs: 'data starts ends axes? steps?',
    outputs: 'output',
    attributes: {
      starts: { kind: 'ints', optional: true, until: 10 },
      ends: { kind: 'ints', optional: true, until: 10 },
      axes: { kind: 'ints', optional: true, until: 10 },
    },
    infer: slice,
  },
  Pad: {
    since: [1, 2, 11, 13, 18, 19, 21, 23, 24, 25],
    inputs: 'data pads constant_value? axes?',
    outputs: 'output',
    attributes: {
      mode: { kind: 'string', default: 'constant' },
      pads: { kind: 'ints', optional: true, until: 11 },
      value: { kind: 'float', optional: true, until: 11 },
    },
    infer: pad,
  },
} as const satisfies Record<string, OpRow>;

function concat(c: OpCall): Inferred {
  const first = c.shape(0);
  const axis = axisIn(c.int('axis'), first.length);
  const shapes = c.inputs.map((_, i) => c.shape(i));
  if (shapes.some((s) => s.length !== first.length) || first.length === 0)
    throw new Error('Concat: the inputs differ in rank, or are scalars');
  const shape = first.map((_, at) => {
    const dims = shapes.map((s) => s[at]!);
    return at === axis ? sumDims(dims) : dims.reduce((a, b) => agreeDim(a, b, `Concat, axis ${at}`));
  });
  const contents = c.inputs.map((_, i) => vectorContent(c, i));
  return typed(commonDtype(c), shape, contents.every((x) => x !== null) ? contents.flat() : null);
}

function split(c: OpCall): Inferred[] {
  const axis = axisIn(c.int('axis'), c.rank(0));
  const whole = c.shape(0)[axis]!;
  const sizes = splitSizes(c, whole);
  if (sizes.length !== c.outputs) throw new Error(`Split: ${sizes.length} parts for ${c.outputs} outputs`);
  const content = c.rank(0) === 1 && sizes.every(isStatic) ? c.content(0) : null;
  let at = 0;
  return sizes.map((part) => {
    const from = at;
    if (isStatic(part)) at += part;
    return typed(c.dtypeOf(0), replaceDim(c.shape(0), axis, size(c, part)), content?.slice(from, at) ?? null);
  });
}

function splitSizes(c: OpCall, whole: Dim): readonly Dim[] {
  const given = c.has(1) ? c.content(1) : c.ints('split');
  if (given) {
    const sum = sumDims(given);
    if (isStatic(sum) && isStatic(whole) && sum !== whole)
      throw new Error(`Split: parts of [${given}] do not add up to ${whole}`);
    return given;
  }
  if (c.has(1)) return Array.from({ length: c.outputs }, () => c.unknownDim());
  if (c.opset >= 18 && !c.attribute('num_outputs')) throw new Error('Split needs sizes or num_outputs');
  const parts = c.attribute('num_outputs') ? c.int('num_outputs') : c.outputs;
  const even = divideExactly(whole, parts);
  if (even !== null) return new Array<Dim>(parts).fill(even);
  if (!c.attribute('num_outputs')) throw new Error(`Split: ${whole} is not divisible by ${parts}`);
  const chunk = ceilDivDims(whole, parts);
  return [...new Array<Dim>(parts - 1).fill(chunk), size(c, subDims(whole, mulDims(chunk, parts - 1)))];
}

function slice(c: OpCall): Inferred {
  const shape = [...c.shape(0)];
  const starts = c.has(1) ? boundsOf(c, 1) : c.ints('starts');
  const ends = c.has(2) ? boundsOf(c, 2) : c.ints('ends');
  const count = starts?.length ?? ends?.length ?? (c.has(1) ? c.shape(1)[0]! : 0);
  const axes = axesOfSlice(c, count);
  const steps = c.has(4) ? c.numbers(4) : axes?.map(() => 1);
  if (!axes)
    return typed(
      c.dtypeOf(0),
      shape.map(() => c.unknownDim()),
    );
  if ([starts, ends, steps].some((list) => list && list.length !== axes.length))
    throw new Error(`Slice: starts, ends and steps do not fit ${axes.length} axes`);
  axes.forEach((axis, i) => {
    const known =
      starts && ends && steps ? sliceLength(shape[axis]!, { start: starts[i]!, end: ends[i]!, step: steps[i]! }) : null;
    shape[axis] = known ?? c.unknownDim();
  });
  const content = vectorContent(c, 0);
  const picked =
    content && c.rank(0) === 1 && axes.length === 1 && starts && ends && steps
      ? sliceList(content, { start: starts[0]!, end: ends[0]!, step: steps[0]! })
      : null;
  return typed(c.dtypeOf(0), shape, picked);
}

function axesOfSlice(c: OpCall, count: Dim): number[] | null {
  if (c.has(3) || c.ints('axes')) {
    const axes = c.integers(3, 'axes');
    return axes && axesIn(axes, c.rank(0));
  }
  return isStatic(count)
    ? axesIn(
        Array.from({ length: count }, (_, i) => i),
        c.rank(0),
      )
    : null;
}

function pad(c: OpCall): Inferred {
  const shape = [...c.shape(0)];
  const axes = c.has(3) ? c.numbers(3) : shape.map((_, i) => i);
  if (!axes)
    return typed(
      c.dtypeOf(0),
      shape.map(() => c.unknownDim()),
    );
  const pads = c.has(1) ? c.content(1) : c.ints('pads');
  if (pads && pads.length !== 2 * axes.length) throw new Error(`Pad: ${pads.length} pads for ${axes.length} axes`);
  axesIn(axes, shape.length).forEach((axis, i) => {
    shape[axis] = pads ? size(c, addDims(shape[axis]!, pads[i]!, pads[axes.length + i]!)) : c.unknownDim();
  });
  return typed(c.has(2) ? commonDtype(c, [0, 2]) : c.dtypeOf(0), shape);
}
