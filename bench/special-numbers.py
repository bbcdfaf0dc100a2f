"""Records calls of ATen operators on NaN, infinities, signed zeros, subnormals and nothing, with PyTorch's results.

Usage: special-numbers.py OPERATORS OUTPUT. OPERATORS lists one target a line (`aten::add.Tensor`); calls of them are found by tracing the
samples of PyTorch's own operator database, and in special_calls.py. OUTPUT gets one recorded case a line, in the format of test/convert/recorded-case.ts.
"""
import json
import random
import sys
import warnings

import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils import _pytree as pytree

from special_calls import resolved

warnings.filterwarnings('ignore')
SAMPLES_OF_ENTRY = 24
CALLS_OF_OPERATOR = 5
MOST_ELEMENTS = 600
SPECIAL = {
    'nan': [float('nan')],
    'infinite': [float('inf'), float('-inf')],
    'zero': [0.0, -0.0],
    'subnormal': [1e-40, -1e-40, 1.4e-45],
    'mixed': [float('nan'), float('inf'), float('-inf'), 0.0, -0.0, 1e-40],
}
FLOATS = (torch.float32, torch.float64)
# Arguments outside of what the operator promises would show nothing: samples of [0, 1), sequences in order.
UNTOUCHED = {'random_samples'}
IN_ORDER = {'sorted_sequence', 'boundaries'}
# Which of equal elements they give is not said: each special number stands but once.
UNSTABLE = ('aten::topk', 'aten::sort', 'aten::argsort', 'aten::kthvalue', 'aten::median', 'aten::nanmedian', 'aten::mode')
STABLE = ('aten::sort.stable', 'aten::argsort.stable')
# Results beside the first that a converter may leave out.
FIRST_ONLY = ('aten::embedding_bag', 'aten::unique_consecutive')


def target_of(overload):
    name, _, which = str(overload).removeprefix('aten.').partition('.')
    return f'aten::{name}' if which in ('', 'default') else f'aten::{name}.{which}'


def calls_in(graph_module, inputs):
    """Every call of the graph with the values it meets."""
    found = []

    class Recorder(torch.fx.Interpreter):
        def call_function(self, target, args, kwargs):
            if isinstance(target, torch._ops.OpOverload) and target.namespace == 'aten':
                found.append((target, detached(args), detached(kwargs)))
            return super().call_function(target, args, kwargs)

    Recorder(graph_module).run(*inputs)
    return found


def detached(tree):
    return pytree.tree_map(lambda x: x.detach().clone() if isinstance(x, torch.Tensor) else x, tree)


def traced(op, sample):
    given = pytree.tree_map(lambda x: x.detach() if isinstance(x, torch.Tensor) else x, (sample.input, sample.args, sample.kwargs))
    flat, spec = pytree.tree_flatten(given)
    places = [i for i, x in enumerate(flat) if isinstance(x, torch.Tensor)]
    if sum(flat[i].numel() for i in places) > MOST_ELEMENTS:
        return []

    def call(*tensors):
        values = list(flat)
        for i, t in zip(places, tensors):
            values[i] = t
        first, args, kwargs = pytree.tree_unflatten(values, spec)
        return op.op(first, *args, **kwargs)

    tensors = [flat[i] for i in places]
    return calls_in(make_fx(call, pre_dispatch=True)(*tensors), tensors)


def signature(args, kwargs):
    return str(pytree.tree_map(lambda x: (x.dtype, x.dim()) if isinstance(x, torch.Tensor) else x, (args, kwargs)))


def poisoned(overload, named, values, rng, only_first):
    """About a quarter of the elements of each float tensor replaced."""
    seen = [0]
    target = target_of(overload)
    once = target.startswith(UNSTABLE) and target not in STABLE

    def poison(x):
        if not isinstance(x, torch.Tensor) or x.dtype not in FLOATS or x.numel() == 0:
            return x
        seen[0] += 1
        if only_first and seen[0] > 1:
            return x
        flat = x.reshape(-1).clone()
        count = min(len(values), flat.numel()) if once else max(1, -(-flat.numel() // 4))
        for k, i in enumerate(rng.sample(range(flat.numel()), count)):
            flat[i] = values[k % len(values)]
        return flat.reshape(x.shape)

    def argument(name, x):
        if name in UNTOUCHED:
            return x
        given = pytree.tree_map(poison, x)
        return given.sort(dim=-1).values if name in IN_ORDER else given

    return {name: argument(name, x) for name, x in named.items()}


def emptied(tree, axis):
    def empty(x):
        return x.narrow(axis, 0, 0).contiguous() if isinstance(x, torch.Tensor) and x.dim() > 0 else x

    return pytree.tree_map(empty, tree)


NAMES = {torch.float32: 'float32', torch.float64: 'float64', torch.int64: 'int64', torch.int32: 'int32', torch.bool: 'bool'}


class NotWritten(Exception):
    pass


def number(x):
    return str(x) if x != x or x in (float('inf'), float('-inf')) else x


def nested(x):
    return [nested(y) for y in x] if isinstance(x, list) else number(x)


def written(x):
    if isinstance(x, torch.Tensor):
        if x.dtype not in NAMES or x.layout != torch.strided:
            raise NotWritten
        return {NAMES[x.dtype]: nested(x.tolist()), 'shape': list(x.shape)}
    if x is None or isinstance(x, (bool, int, str)):
        return x
    if isinstance(x, float):
        return {'float': number(x)}
    if isinstance(x, torch.dtype) and x in NAMES:
        return {'type': NAMES[x]}
    if isinstance(x, (list, tuple)):
        return [written(y) for y in x]
    raise NotWritten


UNREAD = (torch.device, torch.layout, torch.memory_format)


def argument(schema, x):
    """A number is written as what the schema takes: `1` of a float argument is 1.0."""
    return {'float': number(float(x))} if str(schema.type) == 'float' and isinstance(x, int) else written(x)


def named_arguments(overload, args, kwargs):
    arguments = overload._schema.arguments
    return {**{a.name: v for a, v in zip(arguments, args)}, **kwargs}


def case_of(overload, named):
    schema = {a.name: a for a in overload._schema.arguments}
    taken = {name: argument(schema[name], v) for name, v in named.items() if not isinstance(v, UNREAD)}
    positional = [a.name for a in overload._schema.arguments if not a.kwarg_only and a.name in named]
    results = []
    for _ in range(2):
        given = detached(named)
        results.append(overload(*[given[n] for n in positional], **{n: v for n, v in given.items() if n not in positional}))
    if isinstance(results[0], (list, tuple)) and not results[0]:
        raise NotWritten  # Nothing comes out that could be compared: a tensor without elements, unbound.
    outputs = results[0] if isinstance(results[0], tuple) else (results[0],)
    again = results[1] if isinstance(results[1], tuple) else (results[1],)
    texts = [json.dumps([written(o) for o in r]) for r in (outputs, again)]
    if texts[0] != texts[1]:
        raise NotWritten
    outputs = json.loads(texts[0])
    if target_of(overload).startswith(FIRST_ONLY):
        outputs = outputs[:1] + [None] * (len(outputs) - 1)
    return {'op': target_of(overload), 'args': taken, 'outputs': outputs, 'rtol': 1e-3, 'atol': 1e-4}


def variants(overload, tree, rng):
    floats = [x for x in pytree.tree_leaves(tree) if isinstance(x, torch.Tensor) and x.dtype in FLOATS]
    if not floats:
        return
    for kind, values in SPECIAL.items():
        yield kind, poisoned(overload, tree, values, rng, False)
        if len(floats) > 1 and kind in ('nan', 'infinite'):
            yield f'{kind}, first operand', poisoned(overload, tree, values, rng, True)
    for axis in (0, -1):
        yield f'nothing along {axis}', emptied(tree, axis)


def main(operators, output):
    wanted = set(open(operators).read().split())
    torch.manual_seed(0)
    rng = random.Random(0)
    calls = {}
    for entry in op_db:
        try:
            samples = list(entry.sample_inputs('cpu', torch.float32))
        except Exception:
            continue
        for sample in samples[:SAMPLES_OF_ENTRY]:
            try:
                found = traced(entry, sample)
            except Exception:
                continue
            for overload, args, kwargs in found:
                target = target_of(overload)
                known = calls.setdefault(target, {})
                is_random = torch.Tag.nondeterministic_seeded in overload.tags or 'empty' in target
                if target not in wanted or overload._schema.is_mutable or is_random or len(known) >= CALLS_OF_OPERATOR:
                    continue
                known.setdefault(signature(args, kwargs), (overload, args, kwargs))
    for overload, args, kwargs in resolved():
        if target_of(overload) in wanted:
            calls.setdefault(target_of(overload), {}).setdefault(signature(args, kwargs), (overload, args, kwargs))
    written_cases, operators_written = 0, set()
    with open(output, 'w') as file:
        for target in sorted(calls):
            for overload, args, kwargs in calls[target].values():
                for kind, named in variants(overload, named_arguments(overload, args, kwargs), rng):
                    try:
                        case = case_of(overload, named)
                    except Exception:
                        continue
                    file.write(json.dumps({**case, 'kind': kind}, separators=(',', ':')) + '\n')
                    written_cases += 1
                    operators_written.add(target)
    unmet = sorted(wanted - operators_written)
    print(f'{written_cases} cases of {len(operators_written)} operators; {len(unmet)} meet no float tensor in any sample', file=sys.stderr)
    with open(output + '.unmet', 'w') as file:
        file.write('\n'.join(unmet) + '\n')


if __name__ == '__main__':
    main(*sys.argv[1:])
