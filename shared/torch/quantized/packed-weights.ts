/** The forms in which PyTorch's quantized modules keep their weights in a state dict. */
import { fail } from '../../errors.ts';
import { type PickleValue, Tuple } from '../pickle-values.ts';
import type { QuantizedModule } from '../quantized-weights.ts';
import { SavedTensor } from '../saved-tensor.ts';
import type { Configure } from './inc.ts';
import { type ModuleOperator, operatorOfType } from './module-types.ts';
import { isQuantized, quantizedTensor } from './qtensor.ts';
import { type Leaves, nameOf } from './saved-state.ts';

export interface ModuleAt {
  readonly file: string;
  /** Path in the file. */
  readonly path: string;
  readonly leaves: Leaves;
  readonly configure: Configure;
}

/** A module of one weight. */
export type PackedWeight = Pick<QuantizedModule, 'operator' | 'bias'> & {
  readonly weight: NonNullable<QuantizedModule['weight']>;
};

interface Form {
  readonly weight: string;
  readonly bias: string | null;
  /** Of what the class is, when the file has no list of classes. */
  readonly operator: (weight: SavedTensor, bias: SavedTensor | null) => ModuleOperator | null;
}

const CONV = { 3: 'conv1d', 4: 'conv2d', 5: 'conv3d' } as const;
const TRANSPOSED = { 3: 'conv_transpose1d', 4: 'conv_transpose2d', 5: 'conv_transpose3d' } as const;

/** Weights are [out, in / groups, ...], of transposed convolutions [in, out / groups, ...]; a bias is always [out]. */
const byShape: Form['operator'] = ({ shape }, bias) => {
  const rank = shape.length;
  if (rank === 2) return 'linear';
  if (rank !== 3 && rank !== 4 && rank !== 5) return null;
  return bias === null || bias.shape[0] === shape[0] ? CONV[rank] : TRANSPOSED[rank];
};

/** Versions 1 and 2 of PyTorch's linear modules had no tuple. */
const FORMS: readonly Form[] = [
  { weight: '_packed_params._packed_params', bias: null, operator: () => 'linear' },
  { weight: '_packed_params._packed_weight', bias: null, operator: () => 'embedding_byte' },
  { weight: '_packed_params.weight', bias: '_packed_params.bias', operator: () => 'linear' },
  { weight: 'weight', bias: 'bias', operator: byShape },
];

/** The integer weights of a module; null where it has none, or float ones. */
export function packedWeight(at: ModuleAt): PackedWeight | null {
  for (const form of FORMS) {
    const value = at.leaves.get(form.weight);
    if (value === undefined) continue;
    const [weight, packedBias] = value instanceof Tuple ? value.items : [value];
    if (!(weight instanceof SavedTensor) || !isQuantized(weight)) continue;
    const bias = biasOf(at, form.bias === null ? packedBias : at.leaves.get(form.bias));
    const name = nameOf(at.path, form.weight);
    return {
      operator: operatorOfType(at.configure.ops.get(at.path)?.type) ?? form.operator(weight, bias),
      weight: { ...quantizedTensor(weight, { file: at.file, name }), parameter: 'weight' },
      bias: bias && bias.plain(nameOf(at.path, 'bias')),
    };
  }
  return null;
}

function biasOf(at: ModuleAt, bias: PickleValue | undefined): SavedTensor | null {
  if (bias === undefined || bias === null) return null;
  if (bias instanceof SavedTensor && !bias.quantizer && bias.shape.length === 1) return bias;
  return fail('CorruptModel', {
    file: at.file,
    where: `the bias of "${at.path}"`,
    reason: 'it is no vector of plain numbers',
  });
}

/** Codes under names that none of the forms has. */
export function unreadParts({ leaves }: Pick<ModuleAt, 'leaves'>): string[] {
  const known = new Set(FORMS.map(({ weight }) => weight));
  return [...leaves].flatMap(([leaf, value]) =>
    value instanceof SavedTensor && isQuantized(value) && !known.has(leaf) ? [leaf] : [],
  );
}
