"""Calls of ATen operators that tracing PyTorch's operator database does not meet: target, arguments by position, keywords."""
import torch

SHARED = torch.Generator().manual_seed(1)


def t(*shape):
    return torch.empty(shape).uniform_(-9, 9, generator=SHARED)


def positive(*shape):
    return t(*shape).abs() + 0.1


def integers(*values):
    return torch.tensor(values)


def recurrent(gates, states):
    """Input, hidden states, weights and the rest of `lstm.input` and its kin: one layer, batch of 1, 3 steps, 2 to 2."""
    hidden = [t(1, 1, 2) for _ in range(states)]
    weights = [t(gates * 2, 2), t(gates * 2, 2), t(gates * 2), t(gates * 2)]
    return [t(3, 1, 2), hidden if states > 1 else hidden[0], weights, True, 1, 0.0, False, False, False]


def cell(gates, states):
    hidden = [t(1, 2) for _ in range(states)]
    return [t(1, 2), hidden if states > 1 else hidden[0], t(gates * 2, 2), t(gates * 2, 2), t(gates * 2), t(gates * 2)]


UNARY = (
    'absolute adjoint alias arccos arccosh arcsin arcsinh arctan arctanh clone contiguous detach_copy fix lift lift_fresh negative '
    'special_digamma special_erf special_erfc special_erfinv special_exp2 special_expit special_expm1 special_gammaln special_i0 '
    'special_log1p special_psi special_sinc special_logit rrelu vander _to_copy '
).split()
BINARY = (
    'arctan2 special_gammainc special_gammaincc special_xlogy copy type_as greater.Tensor greater_equal.Tensor less.Tensor '
    'less_equal.Tensor multiply.Tensor not_equal.Tensor ger linalg_matmul'
).split()
WITH_NUMBER = (
    'add.Scalar sub.Scalar subtract.Scalar mul.Scalar multiply.Scalar div.Scalar divide.Scalar true_divide.Scalar fmod.Scalar '
    'remainder.Scalar floor_divide.Scalar eq.Scalar ne.Scalar lt.Scalar le.Scalar gt.Scalar ge.Scalar greater.Scalar '
    'greater_equal.Scalar less.Scalar less_equal.Scalar not_equal.Scalar float_power.Tensor_Scalar clamp_max isin.Tensor_Scalar'
).split()
POLYNOMIALS = [
    f'special_{name}'
    for name in (
        'chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w hermite_polynomial_h '
        'hermite_polynomial_he laguerre_polynomial_l legendre_polynomial_p shifted_chebyshev_polynomial_t '
        'shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v shifted_chebyshev_polynomial_w'
    ).split()
]
IMAGE, VOLUME, LINE = (1, 2, 3, 4), (1, 2, 2, 3, 2), (1, 2, 4)


def calls():
    for name in UNARY:
        yield name, [t(3, 4)] if name != 'vander' else [t(4)], {}
    for name in BINARY:
        shape = (4,) if name == 'ger' else (4, 4)
        yield name, [positive(*shape), positive(*shape)] if 'gamma' in name else [t(*shape), t(*shape)], {}
    for name in WITH_NUMBER:
        for number in (2, 0.5, -3.0, 0.0):
            yield name, [t(3, 4), number], {}
    for name in ('div.Scalar_mode', 'divide.Scalar_mode'):
        for mode in ('floor', 'trunc', None):
            yield name, [t(3, 4), -2.5], {'rounding_mode': mode}
    for mode in ('floor', 'trunc', None):
        yield 'divide.Tensor_mode', [t(3, 4), t(3, 4)], {'rounding_mode': mode}
    for name in ('pow.Scalar', 'float_power.Scalar', 'remainder.Scalar_Tensor'):
        yield name, [2.5, t(3, 4)], {}
    for name in POLYNOMIALS:
        yield f'{name}.n_scalar', [t(5) / 9, 3], {}
        yield f'{name}.x_scalar', [0.5, integers(0, 1, 2, 3, 5).float()], {}
    yield 'special_zeta.other_scalar', [positive(5) + 1, 2.0], {}
    yield 'special_zeta.self_scalar', [2.0, positive(5)], {}
    yield 'special_multigammaln', [positive(5) + 2, 2], {}
    for bounds in ((-1, 2), (-1.5, None), (None, 0.5), (2, -1)):
        for name in ('clamp', 'clip'):
            yield name, [t(3, 4), *bounds], {}
    yield 'clip.Tensor', [t(3, 4), t(4), t(4)], {}
    mask = t(3, 4) > 0
    yield 'where.Scalar', [mask, 1.0, 2.0], {}
    yield 'where.ScalarOther', [mask, t(3, 4), 0.0], {}
    yield 'where.ScalarSelf', [mask, 0.0, t(3, 4)], {}
    yield from layers()
    yield from images()
    yield from matrices()
    yield from rearranged()


def layers():
    for name, gates, states in (('lstm', 4, 2), ('gru', 3, 1), ('rnn_tanh', 1, 1), ('rnn_relu', 1, 1)):
        yield f'{name}.input', recurrent(gates, states), {}
        yield f'{name}_cell', cell(gates, states), {}
    for name in ('_softmax', '_log_softmax'):
        yield name, [t(3, 4), -1, False], {}
    for name in ('special_softmax', 'special_log_softmax'):
        yield name, [t(3, 4), -1], {}
    yield 'special_logsumexp', [t(3, 4), [1]], {}
    yield 'scaled_dot_product_attention', [t(1, 2, 3, 4), t(1, 2, 3, 4), t(1, 2, 3, 4)], {}
    yield 'scaled_dot_product_attention', [t(1, 2, 3, 4), t(1, 2, 3, 4), t(1, 2, 3, 4), None, 0.0, True], {}
    for mode in (0, 1, 2):
        yield 'embedding_bag', [t(5, 3), integers(0, 2, 1, 4), integers(0, 2), False, mode], {}
    yield 'convolution', [t(1, 2, 5), t(3, 2, 3), t(3), [1], [1], [1], False, [0], 1], {}
    yield 'convolution', [t(1, 2, 4, 4), t(3, 2, 3, 3), t(3), [1, 1], [1, 1], [1, 1], False, [0, 0], 1], {}
    yield 'convolution', [t(1, 2, 3, 3), t(2, 3, 2, 2), None, [2, 2], [0, 0], [1, 1], True, [0, 0], 1], {}
    yield '_native_batch_norm_legit_no_training', [t(2, 3, 4), t(3), t(3), t(3), positive(3), 0.1, 1e-5], {}
    yield '_prelu_kernel', [t(2, 3, 4), t(1, 3, 1)], {}
    yield '_pdist_forward', [t(4, 3), 2.0], {}
    yield 'dropout', [t(3, 4), 0.5, False], {}
    yield 'fake_quantize_per_tensor_affine', [t(3, 4), 0.1, 3, 0, 255], {}
    yield 'fake_quantize_per_channel_affine', [t(3, 4), positive(3), integers(0, 1, 2).int(), 0, 0, 255], {}


def images():
    yield 'grid_sampler_2d', [t(*IMAGE), t(1, 2, 2, 2) / 9, 0, 0, False], {}
    yield 'affine_grid_generator', [t(1, 2, 3), [1, 2, 3, 4], False], {}
    sizes = {'1d': (LINE, [7]), '2d': (IMAGE, [5, 7]), '3d': (VOLUME, [3, 4, 3])}
    for dims, (shape, size) in sizes.items():
        for kind in ('upsample_nearest', '_upsample_nearest_exact'):
            yield f'{kind}{dims}', [t(*shape), size], {}
        pads = [1, 1] * len(size)
        for kind in ('reflection_pad', 'replication_pad'):
            yield f'{kind}{dims}', [t(*shape), pads], {}
    for align in (False, True):
        yield 'upsample_linear1d', [t(*LINE), [7], align], {}
        yield 'upsample_bilinear2d', [t(*IMAGE), [5, 7], align], {}
        yield 'upsample_bicubic2d', [t(*IMAGE), [5, 7], align], {}
        yield 'upsample_trilinear3d', [t(*VOLUME), [3, 4, 3], align], {}
        yield '_upsample_bilinear2d_aa', [t(*IMAGE), [2, 3], align], {}
        yield '_upsample_bicubic2d_aa', [t(*IMAGE), [2, 3], align], {}
    yield '_adaptive_avg_pool2d', [t(*IMAGE), [2, 2]], {}
    yield '_adaptive_avg_pool3d', [t(*VOLUME), [1, 2, 1]], {}
    yield 'col2im', [t(1, 8, 4), [3, 3], [2, 2], [1, 1], [0, 0], [1, 1]], {}
    yield 'native_channel_shuffle', [t(1, 4, 2, 2), 2], {}


def matrices():
    square = t(3, 3) + 20 * torch.eye(3)
    for name in ('det', 'inverse', 'linalg_matrix_exp', 'slogdet'):
        yield name, [square / 20], {}
    yield 'matrix_power', [square / 20, 3], {}
    yield 'chain_matmul', [[t(2, 3), t(3, 4), t(4, 2)]], {}
    yield 'norm.Scalar', [t(3, 4), 2], {}
    for p in (None, 1, 2, float('inf')):
        yield 'norm.ScalarOpt_dim', [t(3, 4), p, [1]], {}
    yield 'linalg_norm.ord_str', [t(3, 4), 'fro'], {}
    for name in ('quantile', 'nanquantile'):
        yield name, [t(3, 4), torch.tensor([0.25, 0.5]), 1], {}
    yield 'gradient.scalararray', [t(4)], {'spacing': 2.0, 'dim': [0]}


def rearranged():
    yield from (
        (name, [[t(2, 3), t(2, 3)], *rest], {})
        for name, *rest in (('concat', 0), ('concatenate', 0), ('row_stack',), ('meshgrid',))
        if name != 'meshgrid'
    )
    yield 'meshgrid', [[t(2), t(3)]], {}
    yield 'moveaxis.int', [t(2, 3, 2), 0, 2], {}
    yield 'movedim.int', [t(2, 3, 2), 0, 2], {}
    yield 'swapaxes', [t(2, 3), 0, 1], {}
    yield 'swapdims', [t(2, 3), 0, 1], {}
    yield 'slice_scatter', [t(4, 3), t(2, 3), 0, 1, 3], {}
    yield 'slice_copy.Tensor', [t(4, 3), 0, 1, 3], {}
    yield 'select_copy.int', [t(4, 3), 0, 1], {}
    yield 'scatter.value', [t(3, 4), 1, integers(0, 1, 2).reshape(3, 1), 5.0], {}
    yield 'scatter.value_reduce', [t(3, 4), 1, integers(0, 1, 2).reshape(3, 1), 5.0], {'reduce': 'multiply'}
    yield 'unsafe_split_with_sizes', [t(4, 3), [1, 3]], {}
    yield 'split_copy.Tensor', [t(4, 3), 2], {}
    yield '_unsafe_view', [t(4, 3), [3, 4]], {}
    yield '_reshape_copy', [t(4, 3), [3, 4]], {}
    yield 'squeeze_copy.dims', [t(4, 1, 3), [1]], {}
    yield 'unique_dim', [t(4, 3), 0], {}
    yield 'to.dtype', [t(3, 4), torch.float64], {}
    yield 'to.other', [t(3, 4), t(2).double()], {}
    yield 'fill.Tensor', [t(3, 4), torch.tensor(1.5)], {}
    yield '_unsafe_index.Tensor', [t(4, 3), [integers(0, 2)]], {}
    yield '_unsafe_index_put', [t(4, 3), [integers(0, 2)], t(2, 3)], {}


def resolved():
    """(overload, arguments, keywords) of each call."""
    for name, args, kwargs in calls():
        packet, _, which = name.partition('.')
        yield getattr(getattr(torch.ops.aten, packet), which or 'default'), args, kwargs
