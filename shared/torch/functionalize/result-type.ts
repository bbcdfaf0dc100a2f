/**
 * The type an operator's result has before it is written into a tensor that may have another: torch.result_type and the
 * families with a rule of their own.
 */
import { type Dtype, isComplex, isInteger } from '../../tensor/dtype.ts';
import { category, combineTypes, promoteTypes } from '../../tensor/promotion.ts';
import type { Argument, TorchNode, TorchValue } from '../program.ts';

const NUMBER_TYPES: Partial<Record<Argument['kind'], Dtype>> = {
  int: 'int64',
  symint: 'int64',
  float: 'float32',
  symfloat: 'float32',
  bool: 'bool',
  symbool: 'bool',
  complex: 'complex64',
};

/** torch.result_type; null when a tensor's type is not recorded. */
export function resultType(
  operands: readonly Argument[],
  record: (name: string) => TorchValue | undefined,
): Dtype | null {
  const ranks: (Dtype | null)[] = [null, null, null];
  for (const operand of operands) {
    const found = typeAndRank(operand, record);
    if (!found) return null;
    const { dtype, rank } = found;
    ranks[rank] = ranks[rank] == null ? dtype : promoteTypes(ranks[rank], dtype);
  }
  return combineTypes(ranks[0]!, combineTypes(ranks[1]!, ranks[2]!));
}

function typeAndRank(
  operand: Argument,
  record: (name: string) => TorchValue | undefined,
): { dtype: Dtype; rank: number } | null {
  if (operand.kind !== 'tensor') {
    const dtype = NUMBER_TYPES[operand.kind];
    return dtype ? { dtype, rank: 2 } : null;
  }
  const value = record(operand.name);
  return value?.kind === 'tensor' ? { dtype: value.type.dtype, rank: value.type.shape.length ? 0 : 1 } : null;
}

const names = (text: string): ReadonlySet<string> => new Set(text.split(' '));

const COMPARISONS = names(
  'eq ne lt le gt ge not_equal less less_equal greater greater_equal logical_and logical_or logical_xor ' +
    'logical_not isnan isinf isfinite isneginf isposinf signbit isclose isin any all',
);
/** Integers add up in int64 unless `dtype` says otherwise. */
const SUMS = names('sum nansum prod cumsum cumprod');
/**
 * The other operands take part in the result's type. Everywhere else PyTorch wants equal types, or keeps that of
 * `self`.
 */
const PROMOTING = names(
  'add sub subtract mul multiply div divide true_divide floor_divide remainder fmod pow float_power ' +
    'atan2 arctan2 copysign hypot igamma igammac ldexp xlogy gcd lcm ' +
    'addcmul addcdiv clamp clamp_min clamp_max clip maximum minimum fmax fmin max min where logaddexp logaddexp2 ' +
    'bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift __and__ __or__ __xor__ ' +
    '__lshift__ __rshift__ _add_relu addr',
);
/** Settings of a promoting operator, not operands. */
const SETTINGS = names('alpha value rounding_mode beta dim keepdim');
/** Real even for integers. */
const REAL = names(
  'true_divide sqrt rsqrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh ' +
    'asinh acosh atanh arcsin arccos arctan arcsinh arccosh arctanh sigmoid erf erfc erfinv ' +
    'reciprocal lgamma digamma polygamma mvlgamma logit sinc i0 deg2rad rad2deg atan2 arctan2 copysign ' +
    'hypot igamma igammac xlogy ldexp mean std var logaddexp logaddexp2',
);

/** Real unless a rounding mode is given. */
const QUOTIENTS = names('div divide');
/** In double precision whatever the operands are. */
const DOUBLE = names('float_power');

/** Whether the other operands may widen the result. */
export const promotes = (base: string): boolean => PROMOTING.has(base);

/** Results of an integer type that does not depend on the input's. */
const INDICES = names('argmax argmin argsort searchsorted bucketize multinomial linalg_matrix_rank count_nonzero');

/**
 * What an `out=` call computes before it stores: operators without a rule here that store integers as reals are taken
 * to compute reals, as exp does.
 */
export function storedType(base: string, natural: Dtype, out: Dtype): Dtype {
  if (INDICES.has(base)) return out;
  const ruled = COMPARISONS.has(base) || SUMS.has(base) || PROMOTING.has(base);
  return !ruled && category(out) > category(natural) ? out : natural;
}

/**
 * The type `base`, without the underscore, gives for the arguments of an in-place or `out=` call; null when it cannot
 * be told.
 */
export function naturalType(
  base: string,
  node: TorchNode,
  { self, record }: { readonly self: Dtype | null; readonly record: (name: string) => TorchValue | undefined },
): Dtype | null {
  if (COMPARISONS.has(base)) return 'bool';
  const explicit = node.args.find((arg) => arg.name === 'dtype')?.value;
  if (explicit?.kind === 'dtype') return explicit.value;
  if (SUMS.has(base)) return self === 'bool' || (self !== null && isInteger(self)) ? 'int64' : self;
  const promoted = PROMOTING.has(base)
    ? resultType(
        node.args.filter(isOperand).map((arg) => arg.value),
        record,
      )
    : self;
  if (promoted === null) return null;
  if (DOUBLE.has(base)) return isComplex(promoted) ? 'complex128' : 'float64';
  const divides =
    QUOTIENTS.has(base) && !node.args.some((arg) => arg.name === 'rounding_mode' && arg.value.kind !== 'none');
  return (divides || REAL.has(base)) && category(promoted) < 2 ? 'float32' : promoted;
}

const isOperand = ({ name, value }: TorchNode['args'][number]): boolean =>
  !SETTINGS.has(name) && value.kind !== 'none' && value.kind !== 'string';
