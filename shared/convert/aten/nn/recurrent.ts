/** ATen recurrent networks: one ONNX LSTM, GRU or RNN for each layer. */
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { rankOf, reshape, shapeOf, slice, squeeze, staticSize, transpose, unsqueeze } from '../../shape.ts';
import { affine } from '../linalg/linear.ts';
import { projectedLayer } from './projected-lstm.ts';
import { withNaN } from './nan-recurrent.ts';

interface Cell {
  readonly onnx: 'LSTM' | 'GRU' | 'RNN';
  /** Where ONNX's gates stand among PyTorch's. */
  readonly gates: readonly number[];
  /** Of tanh alone: its kernel carries NaN. */
  readonly isTanh?: boolean;
  readonly attributes: (directions: number) => Readonly<Record<string, number | readonly string[]>>;
}

// PyTorch: input, forget, cell, output; ONNX: input, output, forget, cell. PyTorch: reset, update, new; ONNX: update,
// reset, hidden.
const CELLS = {
  lstm: { onnx: 'LSTM', gates: [0, 3, 1, 2], attributes: () => ({}) },
  gru: { onnx: 'GRU', gates: [1, 0, 2], attributes: () => ({ linear_before_reset: 1 }) },
  rnn_tanh: {
    onnx: 'RNN',
    gates: [0],
    isTanh: true,
    attributes: (n: number) => ({ activations: Array.from({ length: n }, () => 'Tanh') }),
  },
  rnn_relu: {
    onnx: 'RNN',
    gates: [0],
    attributes: (n: number) => ({ activations: Array.from({ length: n }, () => 'Relu') }),
  },
} as const satisfies Record<string, Cell>;

function reordered(op: AtenBuilder, weights: Value, gates: readonly number[]): Value {
  if (gates.length === 1) return weights;
  const parts = op.Split([weights], { axis: 0, num_outputs: gates.length }, gates.length);
  return op.Concat(
    gates.map((g) => parts[g]!),
    { axis: 0 },
  );
}

const stacked = (op: AtenBuilder, parts: readonly Value[]): Value => {
  const lifted = parts.map((p) => unsqueeze(op, p, [0]));
  return lifted.length === 1 ? lifted[0]! : op.Concat(lifted, { axis: 0 });
};

interface Network {
  readonly cell: Cell;
  readonly input: Value;
  /** One state a layer and direction; for LSTM hidden and cell state. */
  readonly states: readonly Value[];
  readonly params: readonly Value[];
  readonly has_biases: boolean;
  readonly num_layers: number;
  readonly dropout: number;
  readonly train: boolean;
  readonly bidirectional: boolean;
  readonly batch_first: boolean;
}

function run(op: AtenBuilder, net: Network): Value[] {
  const directions = net.bidirectional ? 2 : 1;
  const each = net.params.length / (net.num_layers * directions);
  const plain = net.has_biases ? 4 : 2;
  const isProjected = net.cell.onnx === 'LSTM' && each === plain + 1;
  if (each !== plain && !isProjected)
    return op.aten.refuse(
      'params',
      `${net.params.length} weights`,
      `${plain} a layer and direction, one more with proj_size`,
    );
  if (net.train && net.dropout > 0)
    op.aten.warn(
      'a recurrent network was exported with dropout between its layers; it is written without. Call ' +
        'model.eval() before exporting',
    );
  const unbatched = rankOf(net.input) === 2;
  const batched = unbatched ? unsqueeze(op, net.input, [net.batch_first ? 0 : 1]) : net.input;
  const states = net.states.map((s) => (unbatched ? unsqueeze(op, s, [1]) : s));
  let x = net.batch_first ? transpose(op, batched, [1, 0, 2]) : batched;
  const finals: Value[][] = net.states.map(() => []);
  for (let layer = 0; layer < net.num_layers; layer++) {
    const at = layer * directions;
    const weights = net.params.slice(at * each, (at + directions) * each);
    const initial = states.map((s) => slice(op, s, { axis: 0, start: at, end: at + directions }));
    const [y, ...last] = isProjected
      ? projectedLayer(op, x, { params: weights, initial, directions })
      : oneLayer(op, net, { x, params: weights, initial });
    // (seq, directions, batch, hidden) to (seq, batch, directions * hidden).
    const [seq, , batch, hidden] = shapeOf(y!);
    x =
      directions === 1
        ? squeeze(op, y!, [1])
        : reshape(op, transpose(op, y!, [0, 2, 1, 3]), [
            seq!,
            batch!,
            staticSize(op, hidden!, 'hidden size') * directions,
          ]);
    last.forEach((state, i) => finals[i]!.push(state));
  }
  const output = net.batch_first ? transpose(op, x, [1, 0, 2]) : op.Identity([x]);
  const ends = finals.map((parts) => (parts.length === 1 ? op.Identity([parts[0]!]) : op.Concat(parts, { axis: 0 })));
  return unbatched
    ? [squeeze(op, output, [net.batch_first ? 0 : 1]), ...ends.map((e) => squeeze(op, e, [1]))]
    : [output, ...ends];
}

interface LayerInputs {
  readonly x: Value;
  readonly params: readonly Value[];
  readonly initial: readonly Value[];
}

function oneLayer(
  op: AtenBuilder,
  { cell, has_biases, bidirectional }: Network,
  { x, params, initial }: LayerInputs,
): Value[] {
  const directions = bidirectional ? 2 : 1;
  const each = has_biases ? 4 : 2;
  const pick = (i: number): Value[] =>
    Array.from({ length: directions }, (_, d) => reordered(op, params[d * each + i]!, cell.gates));
  const recurrentBias = has_biases ? pick(3) : [];
  const bias = has_biases
    ? stacked(
        op,
        pick(2).map((b, d) => op.Concat([b, recurrentBias[d]!], { axis: 0 })),
      )
    : null;
  const hidden = staticSize(op, shapeOf(params[1]!)[1]!, 'hidden size');
  const results = op[cell.onnx](
    [x, stacked(op, pick(0)), stacked(op, pick(1)), bias, null, ...initial],
    { hidden_size: hidden, ...(bidirectional ? { direction: 'bidirectional' } : {}), ...cell.attributes(directions) },
    1 + initial.length,
  );
  return cell.isTanh ? results : withNaN(op, results, { x, initial, directions });
}

export const lstm = aten(
  'aten::lstm.input(Tensor input, Tensor[] hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor, Tensor)',
  (op, a) => run(op, { ...a, cell: CELLS.lstm, states: a.hx }),
);
type StateSchema =
  'aten::n.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)';
export const oneState = (['gru', 'rnn_tanh', 'rnn_relu'] as const).flatMap((name) =>
  aten(
    `aten::${name}.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)` as StateSchema,
    (op, a) => run(op, { ...a, cell: CELLS[name], states: [a.hx] }),
  ),
);

interface Gates {
  readonly w: Value;
  readonly b: Value | null;
  readonly count: number;
}

/** The pre-activations of every gate, one tensor a gate. */
function gatesOf(op: AtenBuilder, x: Value, { w, b, count }: Gates): Value[] {
  return op.Split([affine(op, x, w, b)], { axis: -1, num_outputs: count }, count);
}

const CELL_TAIL = 'Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None)';
type CellSchema =
  'aten::n(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) -> Tensor';
export const lstm_cell = aten(
  `aten::lstm_cell(Tensor input, Tensor[] hx, ${CELL_TAIL} -> (Tensor, Tensor)`,
  (op, a) => {
    const [h, c] = a.hx as readonly [Value, Value];
    const recurrent = gatesOf(op, h, { w: a.w_hh, b: a.b_hh, count: 4 });
    const [i, f, g, o] = gatesOf(op, a.input, { w: a.w_ih, b: a.b_ih, count: 4 }).map((gate, n) =>
      op.Add([gate, recurrent[n]!]),
    ) as [Value, Value, Value, Value];
    const cell = op.Add([op.Mul([op.Sigmoid([f]), c]), op.Mul([op.Sigmoid([i]), op.Tanh([g])])]);
    return [op.Mul([op.Sigmoid([o]), op.Tanh([cell])]), cell];
  },
);
export const gru_cell = aten(
  `aten::gru_cell(Tensor input, Tensor hx, ${CELL_TAIL} -> Tensor` as CellSchema,
  (op, a) => {
    const [ir, iz, inn] = gatesOf(op, a.input, { w: a.w_ih, b: a.b_ih, count: 3 }) as [Value, Value, Value];
    const [hr, hz, hn] = gatesOf(op, a.hx, { w: a.w_hh, b: a.b_hh, count: 3 }) as [Value, Value, Value];
    const reset = op.Sigmoid([op.Add([ir, hr])]);
    const update = op.Sigmoid([op.Add([iz, hz])]);
    const fresh = op.Tanh([op.Add([inn, op.Mul([reset, hn])])]);
    return op.Add([op.Mul([op.Sub([a.hx, fresh]), update]), fresh]);
  },
);
export const rnn_cell = (
  [
    ['rnn_tanh_cell', 'Tanh'],
    ['rnn_relu_cell', 'Relu'],
  ] as const
).flatMap(([name, activation]) =>
  aten(`aten::${name}(Tensor input, Tensor hx, ${CELL_TAIL} -> Tensor` as CellSchema, (op, a) =>
    op[activation]([op.Add([affine(op, a.input, a.w_ih, a.b_ih), affine(op, a.hx, a.w_hh, a.b_hh)])]),
  ),
);
