/** `out=` operators: the pure overload each stands for. */
import { parseTarget, targetText, withoutOut } from './target.ts';

/** `X_out` belongs to `X` and `out` to the default overload, except here. Pairs as in native_functions.yaml. */
const IRREGULAR: Readonly<Record<string, string>> = {
  'aten::linalg_pinv.out_rcond_tensor': 'rcond_tensor',
  'aten::linalg_matrix_rank.out_tol_tensor': 'tol_tensor',
  'aten::max.dim_max': 'dim',
  'aten::max.unary_out': '',
  'aten::max.out': 'other',
  'aten::min.dim_min': 'dim',
  'aten::min.unary_out': '',
  'aten::min.out': 'other',
  'aten::median.dim_values': 'dim',
  'aten::nanmedian.dim_values': 'dim',
  'aten::sort.values_stable': 'stable',
  'aten::xlogy.OutTensor': 'Tensor',
  'aten::xlogy.OutScalar_Self': 'Scalar_Self',
  'aten::xlogy.OutScalar_Other': 'Scalar_Other',
  'aten::prod.int_out': 'dim_int',
  'aten::norm.dtype_out': 'ScalarOpt_dim_dtype',
  'aten::norm.out': 'ScalarOpt_dim',
  'aten::sum.IntList_out': 'dim_IntList',
  'aten::bernoulli.float_out': 'p',
  'aten::arange.start_out': 'start_step',
  'aten::div.out_mode': 'Tensor_mode',
  'aten::divide.out_mode': 'Tensor_mode',
  'aten::all.all_out': '',
  'aten::any.all_out': '',
  'aten::mean.dtype_out': '',
};
const TENSOR = new Set('_add_relu add sub subtract mul multiply div divide true_divide copysign ldexp'.split(' '));
const DIM = new Set('frobenius_norm std var all any mean'.split(' '));
/** Older operators name the `out=` overload after its first output. */
const FIRST_OUTPUTS = new Set('values output U a X Q L inverse eigvals eigenvalues result sign'.split(' '));

/** These make a tensor from nothing: the type of `out` is what they are asked for. */
export const FACTORIES: ReadonlySet<string> = new Set(
  'zeros ones full empty rand randn randint randperm arange linspace logspace eye'.split(' '),
);

/** The pure operator of an `out=` one; null when the name is no such. */
export function outTarget(target: string): string | null {
  const irregular = IRREGULAR[target];
  const { namespace, base, overload } = parseTarget(target);
  if (irregular !== undefined) return targetText(base, irregular);
  if (namespace !== 'aten') return null;
  if (overload === 'out') return targetText(base, TENSOR.has(base) ? 'Tensor' : DIM.has(base) ? 'dim' : '');
  const pure = withoutOut(overload) ?? (FIRST_OUTPUTS.has(overload) ? '' : null);
  return pure === null ? null : targetText(base, pure);
}
