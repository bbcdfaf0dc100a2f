/** In-place operators and the pure ones that compute the same: a naming rule, and the names that break it. */
import { parseTarget, pureBase, targetText } from './target.ts';

/** Where the pure operator is not the name without its underscore, or an overload of that name means something else. */
const RENAMED: Readonly<Record<string, string>> = {
  'aten::zero_': 'aten::zeros_like',
  'aten::normal_': 'aten::normal_functional',
  'aten::bernoulli_.float': 'aten::bernoulli.p',
  'aten::floor_divide_.Tensor': 'aten::floor_divide',
  'aten::ldexp_': 'aten::ldexp.Tensor',
  'aten::pow_.Scalar': 'aten::pow.Tensor_Scalar',
  'aten::pow_.Tensor': 'aten::pow.Tensor_Tensor',
  'aten::float_power_.Scalar': 'aten::float_power.Tensor_Scalar',
  'aten::float_power_.Tensor': 'aten::float_power.Tensor_Tensor',
  'aten::_index_put_impl_': 'aten::index_put',
};

/** The pure operator of an in-place one; null when the name is no in-place one. */
export function pureTarget(target: string): string | null {
  const { namespace, base, overload } = parseTarget(target);
  const pure = namespace === 'aten' ? pureBase(base) : null;
  return pure === null ? null : (RENAMED[target] ?? targetText(pure, overload));
}

/**
 * These change what a tensor looks like, not its numbers: from here on the object is another view of the same memory.
 */
export const VIEW_IN_PLACE: Readonly<Record<string, string>> = {
  'aten::t_': 'aten::t',
  'aten::transpose_': 'aten::transpose.int',
  'aten::swapaxes_': 'aten::swapaxes',
  'aten::swapdims_': 'aten::swapdims',
  'aten::squeeze_': 'aten::squeeze',
  'aten::squeeze_.dim': 'aten::squeeze.dim',
  'aten::squeeze_.dims': 'aten::squeeze.dims',
  'aten::unsqueeze_': 'aten::unsqueeze',
  'aten::as_strided_': 'aten::as_strided',
};

/** Bookkeeping of autograd and streams: neither numbers nor shape change. */
export const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'aten::detach_',
  'aten::requires_grad_',
  'aten::retain_grad',
  'aten::record_stream',
  'aten::rename_',
]);

/** No pure form: they exchange the memory below a tensor, or belong to training. */
export const REFUSED: Readonly<Record<string, string>> = {
  'aten::set_': 'it exchanges the memory below a tensor',
  'aten::set_.source_Storage': 'it exchanges the memory below a tensor',
  'aten::set_.source_Storage_storage_offset': 'it exchanges the memory below a tensor',
  'aten::set_.source_Tensor': 'it exchanges the memory below a tensor',
  'aten::set_.source_Tensor_storage_offset': 'it exchanges the memory below a tensor',
  'aten::set_data': 'it exchanges the memory below a tensor',
  'aten::resize_as_sparse_': 'sparse tensors are not followed',
  'aten::sparse_resize_': 'sparse tensors are not followed',
  'aten::sparse_resize_and_clear_': 'sparse tensors are not followed',
  'aten::copy_sparse_to_sparse_': 'sparse tensors are not followed',
  'aten::_coalesced_': 'sparse tensors are not followed',
  'aten::rrelu_with_noise_': 'it also fills its noise argument',
  'aten::rrelu_with_noise': 'it also fills its noise argument',
  'aten::_fill_mem_eff_dropout_mask_': 'it has no pure form',
  'aten::_flash_attention_forward_no_dropout_inplace': 'it has no pure form',
  'aten::_amp_update_scale_': 'it belongs to training',
  'aten::_amp_foreach_non_finite_check_and_unscale_': 'it belongs to training',
  'aten::_cummax_helper': 'it has no pure form',
  'aten::_cummin_helper': 'it has no pure form',
};
