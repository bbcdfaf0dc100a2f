/** What FX graph mode makes of an operator when its inputs are quantized, by the ONNX operator that computes it. */
import type { Node } from '../../onnx/ir.ts';
import { constantOf } from '../../onnx/match.ts';

export type Role =
  /** The result is rounded to scale and zero point of its own. */
  | 'own'
  /** The codes are moved or picked: scale and zero point of the input. */
  | 'moved'
  /** Computed anew and rounded with scale and zero point of the input. */
  | 'averaged'
  /** Multiplied by a number: the codes stay, the scale is multiplied. */
  | 'scaled'
  /** Computed in floating point. */
  | 'float';

const ROLES: Readonly<Record<string, Role>> = {
  Add: 'own',
  Mul: 'own',
  MatMul: 'own',
  Concat: 'own',
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
  Sigmoid: 'own',
  Tanh: 'own',
  HardSigmoid: 'own',
  Relu: 'moved',
  Clip: 'moved',
  MaxPool: 'moved',
  GlobalMaxPool: 'moved',
  Transpose: 'moved',
  Reshape: 'moved',
  Flatten: 'moved',
  Squeeze: 'moved',
  Unsqueeze: 'moved',
  Expand: 'moved',
  Tile: 'moved',
  Slice: 'moved',
  Split: 'moved',
  DepthToSpace: 'moved',
  SpaceToDepth: 'moved',
  Identity: 'moved',
  Dropout: 'moved',
  ReduceMean: 'averaged',
  AveragePool: 'averaged',
  GlobalAveragePool: 'averaged',
  Resize: 'averaged',
};

export function roleOf(node: Node): Role {
  const role = node.domain === '' ? (ROLES[node.op] ?? 'float') : 'float';
  return role === 'own' && scalarFactor(node) ? 'scaled' : role;
}

/** The one-element constant a tensor is multiplied by. */
export function scalarFactor(node: Node): { readonly index: number } | null {
  if (node.op !== 'Mul') return null;
  const index = node.inputs.findIndex((input) => constantOf(input)?.shape.every((d) => d === 1));
  return index < 0 ? null : { index };
}
