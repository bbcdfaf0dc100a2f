/** LSTM layers with projections (proj_size): ONNX's LSTM has none, so the steps are a Scan. */
import type { Value } from '../../../onnx/ir.ts';
import { tensorType } from '../../../tensor/type.ts';
import type { AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { shapeOf, squeeze, transpose, unsqueeze } from '../../shape.ts';

/** One direction: x is (seq, batch, input), the initial states (batch, proj) and (batch, hidden). */
interface Direction {
  readonly x: Value;
  /** w_ih, w_hh, the biases if there are any, w_hr. */
  readonly params: readonly Value[];
  readonly hidden: Value;
  readonly cell: Value;
  readonly reverse: boolean;
}

const transposed = (op: AtenBuilder, w: Value): Value => transpose(op, w, [1, 0]);

/** Outputs of all steps, last projected state, last cell state. */
function oneDirection(op: AtenBuilder, { x, params, hidden, cell, reverse }: Direction): Value[] {
  const [inputWeights, recurrentWeights, ...rest] = params as [Value, Value, ...Value[]];
  const projection = transposed(op, rest.at(-1)!);
  const product = op.MatMul([x, transposed(op, inputWeights)]);
  const gates = rest.length === 3 ? op.Add([product, op.Add([rest[0]!, rest[1]!])]) : product;
  const recurrent = transposed(op, recurrentWeights);

  const body = op.sub('step');
  const input = (name: string, like: Value, from: number): Value =>
    body.graph.addInput(body.freshName(name), tensorType(dtypeOf(like), shapeOf(like).slice(from)));
  const [h, c, g] = [input('hidden', hidden, 0), input('cell', cell, 0), input('gates', gates, 1)];
  const [i, f, n, o] = body.Split([body.Add([g, body.MatMul([h, recurrent])])], { axis: -1, num_outputs: 4 }, 4) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const next = body.Add([body.Mul([body.Sigmoid([f]), c]), body.Mul([body.Sigmoid([i]), body.Tanh([n])])]);
  const out = body.MatMul([body.Mul([body.Sigmoid([o]), body.Tanh([next])]), projection]);
  body.graph.outputs.push(out, next, body.Identity([out]));
  const directions = reverse ? { scan_input_directions: [1], scan_output_directions: [1] } : {};
  const [lastHidden, lastCell, y] = op.Scan(
    [hidden, cell, gates],
    { body: body.graph, num_scan_inputs: 1, ...directions },
    3,
  );
  return [y!, lastHidden!, lastCell!];
}

interface Layer {
  readonly params: readonly Value[];
  readonly initial: readonly Value[];
  readonly directions: number;
}

/** As ONNX's LSTM: (seq, directions, batch, proj) and the last states (directions, batch, size). */
export function projectedLayer(op: AtenBuilder, x: Value, { params, initial, directions }: Layer): Value[] {
  const each = params.length / directions;
  const stateOf = (state: Value, d: number): Value =>
    directions === 1 ? squeeze(op, state, [0]) : op.Gather([state, op.scalar('int64', d)], { axis: 0 });
  const results = Array.from({ length: directions }, (_, d) =>
    oneDirection(op, {
      x,
      params: params.slice(d * each, (d + 1) * each),
      hidden: stateOf(initial[0]!, d),
      cell: stateOf(initial[1]!, d),
      reverse: d === 1,
    }),
  );
  return [1, 0, 0].map((axis, i) => {
    const parts = results.map((r) => unsqueeze(op, r[i]!, [axis]));
    return parts.length === 1 ? parts[0]! : op.Concat(parts, { axis });
  });
}
