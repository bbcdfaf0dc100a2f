/**
 * Stored int8 operands of Add and Mul become uint8, as computed codes are: onnxruntime adds and multiplies codes of one
 * type, and fails on some that two operators read.
 */
import { integers, isStandard } from '../../match.ts';
import type { Rule } from '../../pass.ts';
import { FAULTS, isMet } from '../../runtime-facts/faults.ts';
import { tensorCodes, unsigned } from './codes.ts';

export const unsignedConstants: Rule = {
  name: 'unsigned-constants',
  root: 'DequantizeLinear',
  newWeights: true,
  rewrite(node, op) {
    const [output] = node.outputs;
    const stored = tensorCodes(output);
    const zero = stored && integers(stored.zeroPoint)?.[0];
    if (!stored?.codes.data || zero === null || zero === undefined) return null;
    if (!isMet(FAULTS.sharedConstant, stored.codes.data.dtype)) return null;
    if (![...output!.uses].every((use) => isStandard(use.node, ...FAULTS.sharedConstant.operators))) return null;
    return op.DequantizeLinear([unsigned(op, stored.codes), stored.scale, op.scalar('uint8', zero + 128)]);
  },
};
