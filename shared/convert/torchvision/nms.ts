/** torchvision's suppression of boxes that overlap a better one. */
import { tensorType } from '../../tensor/type.ts';
import type { Value } from '../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../converter.ts';
import { cast, dtypeOf } from '../promote.ts';
import { shapeOf, slice, squeeze } from '../shape.ts';

/** Places of the boxes that stay, by descending score. */
export const nms = aten('torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor', (op, a) => {
  const { iou_threshold } = a;
  // Overlaps of 16-bit floats are computed in 32 bits.
  const [dets, scores] = [a.dets, a.scores].map((v) => (dtypeOf(v) === 'float64' ? v : cast(op, v, 'float32'))) as [
    Value,
    Value,
  ];
  const order = descending(op, scores);
  const boxes = op.Gather([dets, order], { axis: 0 });
  // NonMaxSuppression takes float32 and thresholds from 0.
  const overlaps = dtypeOf(dets) === 'float32' && !(iou_threshold < 0) ? selected : survivors;
  return op.Gather([order, overlaps(op, boxes, iou_threshold)], { axis: 0 });
});

/** PyTorch's stable order: NaN before all numbers, which TopK orders anywhere. */
function descending(op: AtenBuilder, scores: Value): Value {
  const count = op.dims(shapeOf(scores));
  const places = (x: Value): Value => op.TopK([x, count], { axis: 0, largest: 1, sorted: 1 }, 2)[1]!;
  const isNaN = op.IsNaN([scores]);
  const byNumber = places(op.Where([isNaN, op.scalar(dtypeOf(scores), Infinity), scores]));
  const nanFirst = places(op.Gather([op.Cast([isNaN], { to: 'int32' }), byNumber], { axis: 0 }));
  return op.Gather([byNumber, nanFirst], { axis: 0 });
}

/**
 * NonMaxSuppression on boxes in order. It turns over boxes whose corners are swapped; PyTorch lets those overlap
 * nothing, as boxes without an area do.
 */
function selected(op: AtenBuilder, boxes: Value, threshold: number): Value {
  const corner = (start: number): Value => slice(op, boxes, { axis: 1, start, end: start + 2 });
  const upright = op.Concat([corner(0), op.Max([corner(0), corner(2)])], { axis: 1 });
  const count = op.dim(shapeOf(boxes)[0]!);
  const scores = op.Neg([op.Cast([counting(op, count)], { to: 'float32' })]);
  const triples = op.NonMaxSuppression([
    op.Unsqueeze([upright, op.ints([0])]),
    op.Unsqueeze([scores, op.ints([0, 1])]),
    op.Reshape([count, op.ints([1])]),
    op.tensor('float32', [1], [comparable(threshold)]),
  ]);
  return op.Gather([triples, op.scalar('int64', 2)], { axis: 1 });
}

const counting = (op: AtenBuilder, count: Value): Value =>
  op.Range([op.scalar('int64', 0), count, op.scalar('int64', 1)]);

/**
 * The float32 that float32 overlaps exceed exactly when they exceed `threshold`, a double; no overlap is above 1, and
 * none above NaN.
 */
function comparable(threshold: number): number {
  if (!(threshold < 1)) return 1;
  const rounded = new Float32Array([threshold]);
  if (rounded[0]! > threshold) new Int32Array(rounded.buffer)[0]! -= 1;
  return rounded[0]!;
}

/** One box after the other, in order: while it stands, those after it that overlap it too much fall. */
function survivors(op: AtenBuilder, boxes: Value, threshold: number): Value {
  const dtype = dtypeOf(boxes);
  const count = op.dim(shapeOf(boxes)[0]!);
  const places = counting(op, count);
  const [x1, y1, x2, y2] = op.Split([boxes], { axis: 1, num_outputs: 4 }, 4).map((v) => squeeze(op, v, [1])) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const areas = op.Mul([op.Sub([x2, x1]), op.Sub([y2, y1])]);

  const body = op.sub('suppress');
  const input = (name: string, of: Value): Value => body.graph.addInput(body.freshName(name), of.type!);
  const at = body.graph.addInput(body.freshName('at'), tensorType('int64', []));
  body.graph.addInput(body.freshName('going'), tensorType('bool', []));
  const standing = op.Equal([places, places]);
  const before = input('standing', standing);
  const here = (v: Value): Value => body.Gather([v, at], { axis: 0 });
  const side = (low: Value, high: Value): Value =>
    body.Max([op.scalar(dtype, 0), body.Sub([body.Min([here(high), high]), body.Max([here(low), low])])]);
  const shared = body.Mul([side(x1, x2), side(y1, y2)]);
  const overlap = body.Div([shared, body.Sub([body.Add([here(areas), areas]), shared])]);
  const excess = body.Greater([body.Cast([overlap], { to: 'float64' }), op.scalar('float64', threshold)]);
  const falls = body.And([body.And([excess, body.Greater([places, at])]), here(before)]);
  body.graph.outputs.push(body.Identity([op.scalar('bool', true)]), body.And([before, body.Not([falls])]));

  const after = op.Loop([count, op.scalar('bool', true), standing], { body: body.graph }, 1)[0]!;
  return squeeze(op, op.NonZero([after]), [0]);
}
