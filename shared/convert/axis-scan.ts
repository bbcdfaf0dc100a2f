/** One pass along an axis, all rows at once: what is carried from element to element, for axes of any length. */
import type { Builder } from '../onnx/builder.ts';
import type { Value } from '../onnx/ir.ts';
import { addDims } from '../tensor/dim.ts';
import { tensorType } from '../tensor/type.ts';
import type { AtenBuilder } from './converter.ts';
import { dtypeOf } from './promote.ts';
import { shapeOf, slice } from './shape.ts';

interface Pass {
  /** What is carried into the first element. */
  readonly initial: readonly Value[];
  /** What is carried on, of the same types; and the results of this element, which are stacked along the axis. */
  readonly step: (
    body: Builder,
    carried: readonly Value[],
    element: Value,
  ) => { readonly carried: readonly Value[]; readonly results: readonly Value[] };
}

/** The stacked results, each of the shape of `x`. */
export function scanAxis(op: AtenBuilder, x: Value, axis: number, pass: Pass): Value[] {
  const size = shapeOf(x)[axis]!;
  if (!op.aten.canBeZero(size)) return scanned(op, x, axis, pass);
  // onnxruntime divides by the length: one more element behind all others.
  const more = op.Expand([op.scalar(dtypeOf(x), 0), op.dims(shapeOf(x).map((d, i) => (i === axis ? 1 : d)))]);
  const longer = op.Concat([x, more], { axis });
  longer.type = { dtype: dtypeOf(x), shape: shapeOf(x).map((d, i) => (i === axis ? addDims(d, 1) : d)) };
  return scanned(op, longer, axis, pass).map((value) => slice(op, value, { axis, start: 0, end: -1 }));
}

function scanned(op: AtenBuilder, x: Value, axis: number, { initial, step }: Pass): Value[] {
  const body = op.sub('pass');
  const input = (name: string, like: Value): Value => body.graph.addInput(body.freshName(name), like.type!);
  const before = initial.map((value) => input('carried', value));
  const rest = shapeOf(x).filter((_, i) => i !== axis);
  const element = body.graph.addInput(body.freshName('element'), tensorType(dtypeOf(x), rest));
  const { carried, results } = step(body, before, element);
  const outputs = [...carried, ...results].map((value) => body.Identity([value]));
  body.graph.outputs.push(...outputs);
  const all = op.Scan(
    [...initial, x],
    {
      body: body.graph,
      num_scan_inputs: 1,
      scan_input_axes: [axis],
      scan_output_axes: results.map(() => axis),
    },
    outputs.length,
  );
  return all.slice(initial.length).map((value) => {
    value.type = { dtype: dtypeOf(value), shape: shapeOf(x) };
    return value;
  });
}
