/** Split into a number of parts, and padding of some axes or in a circle. */
import { divideExactly, isStatic } from '../../tensor/dim.ts';
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import type { OpCall } from '../schema/row.ts';
import { axesIn, axisIn } from '../schema/shape-rules.ts';
import { type Forms, sizeOf } from './form.ts';

export const PIECE_FORMS: Forms = {
  Split: [{ below: 18, when: (c) => c.attribute('num_outputs') !== null, write: splitInto }],
  Pad: [
    { below: 19, when: (c) => c.string('mode') === 'wrap', write: wrap },
    { below: 18, when: (c) => c.has(3), write: padAllAxes },
  ],
  ScatterElements: [
    {
      below: 18,
      when: isMinOrMax,
      write: (c, op) => op.refuse(c.op, `reduction ${c.string('reduction')} exists since opset 18`),
    },
  ],
  ScatterND: [
    {
      below: 18,
      when: isMinOrMax,
      write: (c, op) => op.refuse(c.op, `reduction ${c.string('reduction')} exists since opset 18`),
    },
  ],
};

function isMinOrMax(c: OpCall): boolean {
  return ['min', 'max'].includes(c.string('reduction'));
}

function splitInto(c: OpCall, op: Builder): readonly Value[] {
  const parts = c.int('num_outputs');
  const axis = axisIn(c.int('axis'), c.rank(0));
  const whole = c.shape(0)[axis]!;
  // Without sizes the parts are equal.
  if (divideExactly(whole, parts) !== null) return op.Split([c.input(0)], { axis }, parts);
  return op.Split([c.input(0), unevenSizes(c, op, { axis, parts })], { axis }, parts);
}

/** Parts rounded up, the last one takes what is left. */
function unevenSizes(
  c: OpCall,
  op: Builder,
  { axis, parts }: { readonly axis: number; readonly parts: number },
): Value {
  const whole = c.shape(0)[axis]!;
  if (isStatic(whole)) {
    const chunk = Math.ceil(whole / parts);
    return op.ints([...new Array<number>(parts - 1).fill(chunk), whole - chunk * (parts - 1)]);
  }
  const size = op.Unsqueeze([sizeOf(op, c.input(0), axis), op.ints([0])]);
  const chunk = op.Div([op.Add([size, op.ints([parts - 1])]), op.ints([parts])]);
  return op.Concat(
    [...new Array<Value>(parts - 1).fill(chunk), op.Sub([size, op.Mul([chunk, op.ints([parts - 1])])])],
    { axis: 0 },
  );
}

/** Pads of the named axes, zeros for the others. */
function padAllAxes(c: OpCall, op: Builder): Value {
  const axes = axesIn(
    c.numbers(3) ?? op.refuse('Pad', 'axes computed while the model runs exist since opset 18'),
    c.rank(0),
  );
  // Position 0 holds a zero, position 1 + i the pad i.
  const places = [0, axes.length].flatMap((offset) =>
    c.shape(0).map((_, at) => (axes.includes(at) ? 1 + offset + axes.indexOf(at) : 0)),
  );
  const known = c.numbers(1);
  const pads = known
    ? op.ints(places.map((p) => (p === 0 ? 0 : known[p - 1]!)))
    : op.Gather([op.Concat([op.ints([0]), c.input(1)], { axis: 0 }), op.ints(places)]);
  return op.Pad([c.input(0), pads, c.inputs[2] ?? null], { mode: c.string('mode') });
}

/** Circular padding: the other end of the axis is put before and behind it; negative pads crop. */
function wrap(c: OpCall, op: Builder): Value {
  const pads = c.numbers(1);
  const axes = c.has(3) ? c.numbers(3) : c.shape(0).map((_, i) => i);
  if (!pads || !axes) return op.refuse('Pad', 'circular padding computed while the model runs exists since opset 19');
  return axesIn(axes, c.rank(0)).reduce(
    (x, axis, i) => wrapAxis(op, x, axis, [pads[i]!, pads[axes.length + i]!]),
    c.input(0),
  );
}

function wrapAxis(
  op: Builder,
  whole: Value,
  axis: number,
  [before, behind]: readonly [before: number, behind: number],
): Value {
  const part = (x: Value, start: number, end: number): Value =>
    op.Slice([x, op.ints([start]), op.ints([end]), op.ints([axis])]);
  const toEnd = Number.MAX_SAFE_INTEGER;
  const x = before < 0 || behind < 0 ? part(whole, Math.max(0, -before), behind < 0 ? behind : toEnd) : whole;
  const size = x.type!.shape[axis]!;
  if (isStatic(size) && Math.max(before, behind) > size)
    op.refuse('Pad', 'circular padding of more than the size exists since opset 19');
  const pieces = [...(before > 0 ? [part(x, -before, toEnd)] : []), x, ...(behind > 0 ? [part(x, 0, behind)] : [])];
  return pieces.length === 1 ? x : op.Concat(pieces, { axis });
}
