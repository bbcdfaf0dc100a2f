/** ATen orthogonal factors by Householder reflections, with LAPACK's signs. */
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { repeated } from '../../repeated.ts';
import { num } from '../../series.ts';
import { expandTo, filledTensor, rankOf, shapeOf, squeeze, staticSize, unsqueeze } from '../../shape.ts';
import {
  columnAt,
  columnNumbers,
  count,
  flipped,
  identityMatrix,
  rowAt,
  rowNumbers,
  sizesOf,
} from './factorization.ts';
import { double } from './linear-systems.ts';

const like = (op: AtenBuilder, x: Value, a: Value): Value => cast(op, x, dtypeOf(a));
/** x - tau v vᵀ x */
const reflected = (op: AtenBuilder, x: Value, v: Value, tau: Value): Value =>
  op.Sub([x, op.Mul([tau, op.MatMul([v, op.MatMul([flipped(op, v), x])])])]);

interface Reflections {
  /** R on and above the diagonal, the reflections' vectors below. */
  readonly a: Value;
  /** (..., 1, k) */
  readonly tau: Value;
}

function reflections(op: AtenBuilder, given: Value): Reflections {
  const { batch, rows, columns } = sizesOf(op, given);
  const depth = Math.min(rows, columns);
  const [i, j, zero, one] = [rowNumbers(op, rows), columnNumbers(op, columns), num(op, 0), num(op, 1)];
  const tau = filledTensor(op, [...batch, 1, depth], 'float64', 0);
  const axis = rankOf(given) - 2;
  const [a, taus] = repeated(
    op,
    { name: 'reflections', count: depth, values: [op.Identity([given]), tau] },
    (body, k, [m, known]) => {
      const column = columnAt(body, m!, k);
      const alpha = rowAt(body, column, k);
      const below = body.Greater([i, k]);
      const rest = body.Where([below, column, zero]);
      const square = body.ReduceSum([body.Mul([rest, rest]), op.ints([axis])], { keepdims: 1 });
      const length = body.Sqrt([body.Add([body.Mul([alpha, alpha]), square])]);
      const flat = body.Equal([square, zero]);
      // Away from alpha, so that nothing cancels; a column that ends here already is left alone.
      const beta = body.Where([flat, alpha, body.Where([body.Less([alpha, zero]), length, body.Neg([length])])]);
      const factor = body.Where([flat, zero, body.Div([body.Sub([beta, alpha]), beta])]);
      const scale = body.Where([flat, one, body.Sub([alpha, beta])]);
      const tail = body.Div([rest, scale]);
      const v = body.Where([body.Equal([i, k]), one, tail]);
      const own = body.Where([below, tail, body.Where([body.Equal([i, k]), beta, column])]);
      const next = body.Where([
        body.Greater([j, k]),
        reflected(body, m!, v, factor),
        body.Where([body.Equal([j, k]), own, m!]),
      ]);
      return [next, body.Where([body.Equal([columnNumbers(op, depth), k]), factor, known!])];
    },
  ) as [Value, Value];
  return { a, tau: taus };
}

/** H1 H2 ... Hk x, or its transpose times x; the vectors are the columns of `a` below the diagonal. */
function applied(
  op: AtenBuilder,
  { a, tau }: Reflections,
  x: Value,
  { transposed }: { readonly transposed: boolean },
): Value {
  const { rows } = sizesOf(op, a);
  const depth = staticSize(op, shapeOf(tau).at(-1)!, 'tau');
  const i = rowNumbers(op, rows);
  return repeated(op, { name: 'reflected', count: depth, values: [op.Identity([x])] }, (body, step, [m]) => {
    const k = transposed ? step : body.Sub([op.scalar('int64', depth - 1), step]);
    const v = body.Where([
      body.Equal([i, k]),
      num(op, 1),
      body.Where([body.Greater([i, k]), columnAt(body, a, k), num(op, 0)]),
    ]);
    return [reflected(body, m!, v, columnAt(body, tau, k))];
  })[0]!;
}

/** The first `width` columns of H1 H2 ... Hk. */
function orthogonal(op: AtenBuilder, r: Reflections, width: number): Value {
  const { batch, rows } = sizesOf(op, r.a);
  const columns = op.Gather([identityMatrix(op, rows), op.ints(count(width))], { axis: 1 });
  return applied(op, r, expandTo(op, columns, [...batch, rows, width]), { transposed: false });
}

export const geqrf = aten('aten::geqrf(Tensor self) -> (Tensor a, Tensor tau)', (op, { self }) => {
  const { a, tau } = reflections(op, double(op, self));
  return [like(op, a, self), like(op, squeeze(op, tau, [rankOf(self) - 2]), self)];
});

function factors(op: AtenBuilder, self: Value, mode: 'reduced' | 'complete' | 'r'): Value[] {
  const { rows, columns } = sizesOf(op, self);
  const r = reflections(op, double(op, self));
  const width = mode === 'complete' ? rows : Math.min(rows, columns);
  const upper = op.Where([op.LessOrEqual([rowNumbers(op, rows), columnNumbers(op, columns)]), r.a, num(op, 0)]);
  const R = op.Gather([upper, op.ints(count(width))], { axis: rankOf(self) - 2 });
  return [
    mode === 'r' ? filledTensor(op, [0], dtypeOf(self), 0) : like(op, orthogonal(op, r, width), self),
    like(op, R, self),
  ];
}
const MODES = ['reduced', 'complete', 'r'] as const;
export const linalg_qr = aten(
  'aten::linalg_qr(Tensor A, str mode="reduced") -> (Tensor Q, Tensor R)',
  (op, { A, mode }) => factors(op, A, MODES.find((m) => m === mode) ?? op.aten.refuse('mode', mode, MODES.join(', '))),
);
export const qr = aten('aten::qr(Tensor self, bool some=True) -> (Tensor Q, Tensor R)', (op, { self, some }) =>
  factors(op, self, some ? 'reduced' : 'complete'),
);

const given = (op: AtenBuilder, a: Value, tau: Value): Reflections => ({
  a: double(op, a),
  tau: unsqueeze(op, double(op, tau), [rankOf(tau) - 1]),
});
export const householder_product = [
  ...aten('aten::linalg_householder_product(Tensor input, Tensor tau) -> Tensor', (op, { input, tau }) =>
    like(op, orthogonal(op, given(op, input, tau), sizesOf(op, input).columns), input),
  ),
  ...aten('aten::orgqr(Tensor self, Tensor input2) -> Tensor', (op, { self, input2 }) =>
    like(op, orthogonal(op, given(op, self, input2), sizesOf(op, self).columns), self),
  ),
];
export const ormqr = aten(
  'aten::ormqr(Tensor self, Tensor input2, Tensor input3, bool left=True, bool transpose=False) -> Tensor',
  (op, { self, input2, input3, left, transpose }) => {
    const r = given(op, self, input2);
    const x = double(op, input3);
    // C Q is (Qᵀ Cᵀ)ᵀ.
    return like(
      op,
      left
        ? applied(op, r, x, { transposed: transpose })
        : flipped(op, applied(op, r, flipped(op, x), { transposed: !transpose })),
      self,
    );
  },
);
