/** What FX graph mode makes of an operator when its inputs are quantized, by the ONNX operator that computes it. */
import type { Node } from '../../onnx/ir.ts';
import { constantOf } from '../../onnx/match.ts';
import type { Unit } from './units.ts';

export type Role =
  /** The result is rounded to scale and zero point of its own. */
  | 'own'
  /** The result is rounded to a scale that is the same in every model. */
  | 'fixed'
  /** The codes are moved or picked: scale and zero point of the input. */
  | 'moved'
  /** Tensors of one scale put together; of several: rounded to one of its own. */
  | 'joined'
  /** Computed anew and rounded with scale and zero point of the input. */
  | 'rounded again'
  /** Multiplied by a number: the codes stay, the scale is multiplied. */
  | 'scaled'
  /** Computed in floating point. */
  | 'float';

/**
 * As in torch.ao's backend_config of PyTorch 2. Indexing, chunk and expand have no row there: they read and give
 * floating
 * point, so Slice, Split, Gather and Expand are not here.
 */
const ROLES: Readonly<Record<string, Role>> = {
  Add: 'own',
  Mul: 'own',
  MatMul: 'own',
  Conv: 'own',
  ConvTranspose: 'own',
  Gemm: 'own',
  LayerNormalization: 'own',
  GroupNormalization: 'own',
  InstanceNormalization: 'own',
  BatchNormalization: 'own',
  HardSwish: 'own',
  LeakyRelu: 'own',
  PRelu: 'own',
  Elu: 'own',
  Sigmoid: 'fixed',
  Tanh: 'fixed',
  HardSigmoid: 'fixed',
  Softmax: 'fixed',
  Concat: 'joined',
  Relu: 'moved',
  MaxPool: 'moved',
  GlobalMaxPool: 'moved',
  Transpose: 'moved',
  Reshape: 'moved',
  Flatten: 'moved',
  Squeeze: 'moved',
  Unsqueeze: 'moved',
  Tile: 'moved',
  DepthToSpace: 'moved',
  SpaceToDepth: 'moved',
  Identity: 'moved',
  Dropout: 'moved',
  // Its bounds need not be numbers that codes stand for.
  Clip: 'rounded again',
  ReduceMean: 'rounded again',
  AveragePool: 'rounded again',
  GlobalAveragePool: 'rounded again',
  Resize: 'rounded again',
};

/** FX quantizes the modules of these; of the functions, torch.softmax stays in floating point. */
const MODULES_ONLY: ReadonlySet<string> = new Set(['Softmax']);
/** Of these the functions: nn.Upsample stays in floating point, interpolate does not. */
const FUNCTIONS_ONLY: ReadonlySet<string> = new Set(['Resize']);

export function roleOf(node: Node, { module }: Unit): Role {
  const role = node.domain === '' ? (ROLES[node.op] ?? 'float') : 'float';
  if ((module === null ? MODULES_ONLY : FUNCTIONS_ONLY).has(node.op)) return 'float';
  return SCALED.has(node.op) && node.inputs.some(isNumber) ? 'scaled' : role;
}

/**
 * FX rounds a float tensor for an operator that it computes on codes. It knows `torch.flatten` and not `x.flatten`,
 * which a graph does not tell apart.
 */
export const readsFloat = ({ op }: Node): boolean => !METHODS_IN_FLOAT.has(op);
const METHODS_IN_FLOAT: ReadonlySet<string> = new Set(['Flatten']);

const SCALED: ReadonlySet<string> = new Set(['Mul']);

/** A constant of one element, whatever its rank. */
export const isNumber = (value: Parameters<typeof constantOf>[0]): boolean =>
  constantOf(value)?.shape.every((d) => d === 1) ?? false;

const UNIT = { scale: 1 / 256, zeroPoint: 0 };
const SIGNED_UNIT = { scale: 2 / 256, zeroPoint: 128 };

/** Scale and zero point of results that lie in a known interval (torch.ao's default_fixed_qparams). */
export const FIXED: Readonly<Record<string, { readonly scale: number; readonly zeroPoint: number }>> = {
  Sigmoid: UNIT,
  HardSigmoid: UNIT,
  Softmax: UNIT,
  Tanh: SIGNED_UNIT,
};
