/** Stored codes are transposed before they are dequantized, so that the file has them as products read them. */
import { int, ints } from '../../match.ts';
import type { Rule } from '../../pass.ts';
import { dequantizing, onlyReader } from './codes.ts';

export const transposedCodes: Rule = {
  name: 'transposed-codes',
  root: 'Transpose',
  newWeights: true,
  rewrite(node, op) {
    const dequantize = dequantizing(node.inputs[0]);
    const [codes, scale, zeroPoint = null] = dequantize?.inputs ?? [];
    const perm = ints(node, 'perm');
    if (!dequantize || !codes?.data || !scale || !perm || !onlyReader(dequantize.outputs[0]!)) return null;
    if ((int(dequantize, 'block_size') ?? 0) !== 0) return null;
    const turned = op.Transpose([codes], { perm });
    if (scale.type?.shape.length !== 1) return op.DequantizeLinear([turned, scale, zeroPoint]);
    const axis = int(dequantize, 'axis') ?? 1;
    return op.DequantizeLinear([turned, scale, zeroPoint], {
      axis: perm.indexOf(axis < 0 ? axis + perm.length : axis),
    });
  },
};
