/**
 * Operators that concern the program around the numbers: assertions that held when it was exported, and numbers taken
 * out of tensors.
 */
import { type AtenBuilder, aten } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import { reshape } from '../../shape.ts';
import type { Value } from '../../../onnx/ir.ts';

/** Checked by PyTorch, not part of the result. */
export const assertions = aten(
  [
    'aten::_assert_tensor_metadata(Tensor a, SymInt[]? size=None, SymInt[]? stride=None, ScalarType? dtype=None, *, Device? device=None, Layout? layout=None) -> ()',
    'aten::_assert_async(Tensor self) -> ()',
    'aten::_assert_async.msg(Tensor self, str assert_msg) -> ()',
    'aten::_assert_scalar(Scalar self, str assert_msg) -> ()',
    'aten::sym_constrain_range(Scalar size, *, int? min=None, int? max=None) -> ()',
    'aten::sym_constrain_range_for_size(Scalar size, *, int? min=None, int? max=None) -> ()',
  ],
  () => [],
  { readsNoNumbers: true },
);

/** A tensor of one element as a number of the program: int64, or a float of its own type. */
const number = (op: AtenBuilder, x: Value): Value => {
  const scalar = reshape(op, x, []);
  return op.Identity([isFloat(dtypeOf(x)) || dtypeOf(x) === 'bool' ? scalar : cast(op, scalar, 'int64')]);
};
export const item = aten(
  ['aten::item(Tensor self) -> Scalar', 'aten::_local_scalar_dense(Tensor self) -> Scalar'],
  (op, { self }) => number(op, self),
);
