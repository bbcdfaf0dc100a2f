/**
 * Converters for nodes that take or give complex tensors. Such a tensor is a real one with a last axis of 2 (real,
 * imaginary);
 * axes and shapes here are the complex tensor's own. What has no converter here is refused for complex tensors.
 */
import { mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import {
  axisOf,
  expandTo,
  rankOf,
  reshape,
  resolveSize,
  shapeOf,
  slice,
  staticSize,
  transpose,
  unsqueeze,
} from '../../shape.ts';
import { own, paired, part } from './complex-parts.ts';

const same = (op: AtenBuilder, { self }: { readonly self: Value }): Value => op.Identity([self]);
export const views = aten(
  [
    'aten::view_as_real(Tensor(a) self) -> Tensor(a)',
    'aten::view_as_complex(Tensor(a) self) -> Tensor(a)',
    'aten::resolve_conj(Tensor(a) self) -> Tensor(a)',
    'aten::alias(Tensor(a) self) -> Tensor(a)',
    'aten::detach(Tensor(a) self) -> Tensor(a)',
    'aten::lift_fresh_copy(Tensor self) -> Tensor',
  ],
  same,
);
export const copies = aten(
  [
    'aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)',
    'aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor',
  ],
  same,
);

export const real = aten('aten::real(Tensor(a) self) -> Tensor(a)', (op, { self }) => part(op, self, 0));
export const imag = aten('aten::imag(Tensor(a) self) -> Tensor(a)', (op, { self }) => part(op, self, 1));
export const complex = aten('aten::complex(Tensor real, Tensor imag) -> Tensor', (op, a) => paired(op, a.real, a.imag));
export const polar = aten('aten::polar(Tensor abs, Tensor angle) -> Tensor', (op, { abs: size, angle: turn }) =>
  paired(op, op.Mul([size, op.Cos([turn])]), op.Mul([size, op.Sin([turn])])),
);
export const conj = aten(
  [
    'aten::_conj(Tensor(a) self) -> Tensor(a)',
    'aten::conj(Tensor(a) self) -> Tensor(a)',
    'aten::conj_physical(Tensor self) -> Tensor',
    'aten::_conj_physical(Tensor self) -> Tensor',
  ],
  (op, { self }) => op.Mul([self, op.tensor(dtypeOf(self), [2], [1, -1])]),
);
export const abs = aten('aten::abs(Tensor self) -> Tensor', (op, { self }) =>
  op.ReduceL2([self, op.ints([rankOf(self) - 1])], { keepdims: 0 }),
);

export const reshapes: OpConverter[] = [
  ...aten(
    [
      'aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)',
      'aten::_unsafe_view(Tensor self, SymInt[] size) -> Tensor',
    ],
    (op, { self, size }) => reshape(op, self, [...resolveSize(own(self), size), 2]),
  ),
  ...aten('aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)', (op, { self, shape }) =>
    reshape(op, self, [...resolveSize(own(self), shape), 2]),
  ),
  ...aten(
    'aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)',
    (op, { self, start_dim, end_dim }) => {
      const dims = own(self);
      const [from, to] = [axisOf(op, start_dim, dims.length), axisOf(op, end_dim, dims.length)];
      return reshape(op, self, [
        ...dims.slice(0, from),
        mulDims(...dims.slice(from, to + 1)),
        ...dims.slice(to + 1),
        2,
      ]);
    },
  ),
  ...aten('aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)', (op, { self, dim }) =>
    unsqueeze(op, self, [axisOf(op, dim, own(self).length + 1)]),
  ),
  ...aten('aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)', (op, { self, size }) =>
    expandTo(op, self, [...size.map((d, i) => (d === -1 ? own(self)[i - (size.length - own(self).length)]! : d)), 2]),
  ),
  ...aten('aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)', (op, { self, dim0, dim1 }) => {
    const [a, b] = [axisOf(op, dim0, own(self).length), axisOf(op, dim1, own(self).length)];
    return transpose(
      op,
      self,
      shapeOf(self).map((_, i) => (i === a ? b : i === b ? a : i)),
    );
  }),
  ...aten('aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)', (op, { self, dims }) =>
    transpose(op, self, [...dims.map((d) => axisOf(op, d, dims.length)), dims.length]),
  ),
  ...aten('aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)', (op, { self, dim, index }) =>
    op.Gather([self, op.dim(index)], { axis: axisOf(op, dim, own(self).length) }),
  ),
  ...aten(
    'aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)',
    (op, { self, dim, start, end, step }) =>
      slice(op, self, {
        axis: axisOf(op, dim, own(self).length),
        start: start ?? 0,
        end: end ?? Infinity,
        step: staticSize(op, step, 'step'),
      }),
  ),
];
/** atan2(imaginary, real), from the arc tangent of the quotient and the quadrant. */
export function arcTangent(op: AtenBuilder, y: Value, x: Value): Value {
  const dtype = dtypeOf(x);
  const zero = op.scalar(dtype, 0);
  const right = op.Atan([op.Div([y, x])]);
  const half = op.Where([op.Less([y, zero]), op.scalar(dtype, -Math.PI), op.scalar(dtype, Math.PI)]);
  const anywhere = op.Where([op.Less([x, zero]), op.Add([right, half]), right]);
  const vertical = op.Mul([op.Sign([y]), op.scalar(dtype, Math.PI / 2)]);
  return op.Where([op.Equal([x, zero]), vertical, anywhere]);
}
export const angle = aten('aten::angle(Tensor self) -> Tensor', (op, { self }) =>
  arcTangent(op, part(op, self, 1), part(op, self, 0)),
);
