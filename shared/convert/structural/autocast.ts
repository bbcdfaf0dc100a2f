/**
 * `wrap_with_autocast`: the casts that PyTorch makes on the fly, written into the graph, which then stands in its
 * place.
 */
import type { Dtype } from '../../tensor/dtype.ts';
import type { Argument, NamedArgument, TorchGraph, TorchNode } from '../../torch/program.ts';
import type { StructuralConverter } from '../converter.ts';
import { graphAt, opened } from './subgraph.ts';

/**
 * Computed in the lower precision on every device (`AT_FORALL_LOWER_PRECISION_FP` and the CPU's list in ATen's
 * autocast_mode).
 */
const LOWERED = new Set(
  [
    ...[
      '_convolution',
      '_convolution.deprecated',
      'convolution',
      'conv1d',
      'conv2d',
      'conv3d',
      'conv1d.padding',
      'conv2d.padding',
      'conv3d.padding',
      'conv_tbc',
      'conv_transpose1d',
      'conv_transpose2d.input',
      'conv_transpose3d.input',
    ],
    ...[
      'addmm',
      'addmv',
      'addr',
      'matmul',
      'einsum',
      'mm',
      'mv',
      'linalg_vecdot',
      'linear',
      'addbmm',
      'baddbmm',
      'bmm',
      'chain_matmul',
      'linalg_multi_dot',
      '_addmm_activation',
    ],
    ...[
      'scaled_dot_product_attention',
      '_native_multi_head_attention',
      'prelu',
      'lstm.input',
      'gru.input',
      'rnn_tanh.input',
      'rnn_relu.input',
      'lstm_cell',
      'gru_cell',
      'rnn_tanh_cell',
      'rnn_relu_cell',
    ],
  ].map((name) => `aten::${name}`),
);
/** Their results have the type that was asked for. */
const CASTS = /^aten::(to\.|_to_copy|type_as|view\.dtype|_assert)/;
const DEFAULTS: Readonly<Record<string, Dtype>> = { cpu: 'bfloat16', cuda: 'float16' };

/** `wrap_with_autocast(device, dtype, enabled, cache, graph, operands...)`. */
export const autocast: StructuralConverter = {
  target: 'higher_order::wrap_with_autocast',
  convert(op, node, lowering) {
    const [device, type, enabled] = node.args.map(({ value }) => value);
    const dtype =
      type?.kind === 'dtype'
        ? type.value
        : (DEFAULTS[device?.kind === 'string' ? device.value : ''] ??
          op.aten.refuse('dtype', 'None', 'an autocast with its dtype'));
    const graph = graphAt(node, 4);
    const isOn = enabled?.kind === 'bool' && enabled.value;
    if (isOn && !recordsResults(graph))
      return op.aten.refuse('enabled', true, 'autocast where the file records the type of every value');
    const operands = node.args
      .slice(5)
      .flatMap(({ value }) => opened(value))
      .map((a) => (a.kind === 'none' ? null : lowering.value(a)));
    return lowering.inline(op, isOn ? withCasts(graph, dtype) : graph, operands);
  },
};

/** Autocast leaves float64 alone. */
const CASTABLE: readonly Dtype[] = ['float16', 'bfloat16', 'float32'];

const recordsResults = ({ nodes, values }: TorchGraph): boolean =>
  nodes.flatMap(({ outputs }) => outputs.flatMap(opened)).every((o) => o.kind !== 'tensor' || values.has(o.name));

/**
 * Casts before every operator that autocast gives other types; which those are, the recorded types of the results tell.
 */
export function withCasts(graph: TorchGraph, lower: Dtype): TorchGraph {
  const values = new Map(graph.values);
  const nodes: TorchNode[] = [];
  const dtypeOf = (name: string): Dtype | null => {
    const recorded = values.get(name);
    return recorded?.kind === 'tensor' ? recorded.type.dtype : null;
  };
  const wanted = (node: TorchNode): Dtype | null => {
    const result = node.outputs.flatMap(opened).find((o) => o.kind === 'tensor');
    const recorded = result ? dtypeOf(result.name) : null;
    if (CASTS.test(node.target) || node.args.some(({ value }) => value.kind === 'graph')) return null;
    if (LOWERED.has(node.target) && recorded === lower) return lower;
    // Whether autocast or type promotion widened them: the operands are float32.
    return recorded === 'float32' ? 'float32' : null;
  };
  for (const node of graph.nodes) {
    const dtype = wanted(node);
    const casting = (name: string): string => {
      const recorded = values.get(name);
      if (
        dtype === null ||
        recorded?.kind !== 'tensor' ||
        recorded.type.dtype === dtype ||
        !CASTABLE.includes(recorded.type.dtype)
      )
        return name;
      const cast = `${name}__${dtype}`;
      if (!values.has(cast)) {
        values.set(cast, { ...recorded, type: { ...recorded.type, dtype } });
        nodes.push({
          name: cast,
          target: 'aten::to.dtype',
          args: [named('self', { kind: 'tensor', name }), named('dtype', { kind: 'dtype', value: dtype })],
          outputs: [{ kind: 'tensor', name: cast }],
          source: node.source,
        });
      }
      return cast;
    };
    nodes.push({
      ...node,
      args: node.args.map(({ name, value }) => named(name, cast(value, { casting, lower, node }))),
    });
  }
  return { ...graph, nodes, values };
}

const named = (name: string, value: Argument): NamedArgument => ({ name, value });

interface Casting {
  readonly casting: (name: string) => string;
  readonly lower: Dtype;
  readonly node: TorchNode;
}

function cast(value: Argument, { casting, lower, node }: Casting): Argument {
  if (value.kind === 'tensor') return { kind: 'tensor', name: casting(value.name) };
  if (value.kind === 'tensors')
    return { kind: 'tensors', names: value.names.map((name) => (name === null ? null : casting(name))) };
  // A graph inside is under this autocast too, unless it has one of its own.
  return value.kind === 'graph' && node.target !== autocast.target
    ? { kind: 'graph', graph: withCasts(value.graph, lower) }
    : value;
}
