/** Integer weights of LSTM and GRU modules and cells, which PyTorch hands to C++ and saves as closed objects. */
import { fail } from '../../errors.ts';
import { OpaqueObject, type PickleValue, Tuple } from '../pickle-values.ts';
import { SavedTensor } from '../saved-tensor.ts';
import type { PackedWeight } from './packed-weights.ts';
import { isQuantized, quantizedTensor } from './qtensor.ts';
import { type Leaves, nameOf } from './saved-state.ts';

interface Place {
  readonly file: string;
  readonly path: string;
  readonly leaves: Leaves;
}

/** Gates are rows of a weight: 4 times the hidden size, or 3 times. */
const OPERATORS: Readonly<Record<number, { readonly layer: string; readonly cell: string }>> = {
  4: { layer: 'quantized_lstm', cell: 'quantized_lstm_cell_dynamic' },
  3: { layer: 'quantized_gru', cell: 'quantized_gru_cell_dynamic' },
  1: { layer: 'quantized_rnn', cell: 'quantized_rnn_cell_dynamic' },
};

interface Matrix {
  readonly weight: SavedTensor;
  readonly bias: SavedTensor | null;
}

export const isRecurrent = ({ leaves }: Pick<Place, 'leaves'>): boolean =>
  leaves.has('_all_weight_values.0.param') || leaves.has('_packed_weight_ih');

/** Two rows for each layer and direction: what multiplies the input, and what multiplies the state. */
export function recurrentWeights(place: Place): PackedWeight[] {
  if (place.leaves.has('_packed_weight_ih')) {
    const matrix = (leaf: string): Matrix => matrixOf(place.leaves.get(leaf)) ?? refuse(place);
    return rows(place, [matrix('_packed_weight_ih'), matrix('_packed_weight_hh')], null);
  }
  const layers = [...place.leaves].flatMap(([leaf, value]) =>
    /^_all_weight_values\.\d+\.param$/.test(leaf) ? [pairOf(value) ?? refuse(place)] : [],
  );
  const suffixes = layerNames(layers) ?? refuse(place, 'one layer of two directions or two layers: both would fit');
  return layers.flatMap((pair, i) => rows(place, pair, suffixes[i]!));
}

type Pair = readonly [input: Matrix, state: Matrix];

const refuse = ({ file, path }: Place, reason = 'its weights are not in the form that PyTorch writes'): never =>
  fail('CorruptModel', { file, where: `the recurrent module "${path}"`, reason });

/** `torch.ScriptObject`: its class's own state, and the name of the class. */
const stateOf = (value: PickleValue | undefined, className: string): readonly PickleValue[] | null => {
  const [state, name] = value instanceof OpaqueObject && value.state instanceof Tuple ? value.state.items : [];
  return name === className && state instanceof Tuple ? state.items : null;
};

function matrixOf(value: PickleValue | undefined): Matrix | null {
  const [weight, bias = null] = stateOf(value, '__torch__.torch.classes.quantized.LinearPackedParamsBase') ?? [];
  if (!(weight instanceof SavedTensor) || !isQuantized(weight) || weight.shape.length !== 2) return null;
  return bias === null || bias instanceof SavedTensor ? { weight, bias } : null;
}

/** `(kind, biases, doubles, integers, packed)`. */
function pairOf(value: PickleValue): Pair | null {
  const [kind, , , , packed] = stateOf(value, '__torch__.torch.classes.rnn.CellParamsBase') ?? [];
  const [input, state] = kind === 'quantized_dynamic' && Array.isArray(packed) ? packed.map(matrixOf) : [];
  return input && state ? [input, state] : null;
}

function rows(place: Place, [input, state]: Pair, suffix: string | null): PackedWeight[] {
  const hidden = state.weight.shape[1]!;
  const names = OPERATORS[state.weight.shape[0]! / hidden] ?? refuse(place);
  const row = (parameter: string, { weight, bias }: Matrix): PackedWeight => ({
    operator: suffix === null ? names.cell : names.layer,
    weight: { ...quantizedTensor(weight, { file: place.file, name: nameOf(place.path, parameter) }), parameter },
    bias: bias && bias.plain(nameOf(place.path, 'bias')),
  });
  return [row(`weight_ih${suffix ?? ''}`, input), row(`weight_hh${suffix ?? ''}`, state)];
}

/** Behind the first layer the input is the state of the layer before, or of its two directions side by side. */
function layerNames(layers: readonly Pair[]): string[] | null {
  const inputs = layers.map(([input]) => input.weight.shape[1]!);
  const hidden = layers[0]![1].weight.shape[1]!;
  const isOneWay = inputs.slice(1).every((size) => size === hidden);
  const isTwoWay = inputs.length % 2 === 0 && inputs.every((size, i) => size === (i < 2 ? inputs[0] : 2 * hidden));
  if (isOneWay === isTwoWay) return null;
  return inputs.map((_, i) => (isOneWay ? `_l${i}` : `_l${i >> 1}${i % 2 === 1 ? '_reverse' : ''}`));
}
