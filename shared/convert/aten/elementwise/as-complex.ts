/** ATen parts of complex numbers, on real ones. */
import { aten } from '../../converter.ts';
import { cast, dtypeOf, floatOf } from '../../promote.ts';

/** Half a turn for negative numbers. */
export const angle = aten('aten::angle(Tensor self) -> Tensor', (op, { self }) => {
  const x = cast(op, self, floatOf(dtypeOf(self)));
  const num = (value: number) => op.scalar(dtypeOf(x), value);
  return op.Where([op.IsNaN([x]), x, op.Where([op.Less([x, num(0)]), num(Math.PI), num(0)])]);
});
export const parts = aten(
  ['aten::real(Tensor(a) self) -> Tensor(a)', 'aten::conj_physical(Tensor self) -> Tensor'],
  (op, { self }) => op.Identity([self]),
);
