/**
 * A convolution of codes whose result is read as float becomes ConvInteger, its scales and its float bias: onnxruntime
 * has a kernel that is faster only where codes come out of it. int8 weights are moved to uint8, which stands for the
 * same numbers and is faster.
 */
import type { Builder } from '../../builder.ts';
import type { TensorData } from '../../../tensor/data.ts';
import type { Value } from '../../ir.ts';
import { declined, type Rule } from '../../pass.ts';
import { isStandard } from '../../match.ts';
import { FAULTS, isMet } from '../../runtime-facts/faults.ts';
import { codesWritten, dequantizing, onlyReader, tensorCodes, unsigned } from './codes.ts';

export const convOnCodes: Rule = {
  name: 'conv-on-codes',
  root: 'Conv',
  newWeights: true,
  rewrite(node, op) {
    const [x, w, bias = null] = node.inputs;
    const codes = tensorCodes(x);
    if (!codes || !dequantizing(w) || isRounded(node.outputs[0]!)) return null;
    const weight = weightOf(w);
    if (!weight) return declined('its weight has no codes with zero points that are known to be 0');
    if (codes.codes.type?.dtype !== 'uint8') return declined('its input is no uint8, which ConvInteger wants');
    if (bias && !bias.data) return null;
    const attributes = Object.fromEntries([...node.attributes].map(([name, { value }]) => [name, value]));
    const isSigned = isMet(FAULTS.slowConvInteger, weight.codes.type!.dtype);
    const [filters, zero] = isSigned ? [unsigned(op, weight.codes), op.scalar('uint8', 128)] : [weight.codes, null];
    const sums = op.ConvInteger([codes.codes, filters, codes.zeroPoint, zero], attributes);
    const rank = sums.type!.shape.length;
    const scale = op.Mul([codes.scale, perChannel(op, weight.scale, rank)]);
    const scaled = op.Mul([op.Cast([sums], { to: 'float32' }), scale]);
    return bias ? op.Add([scaled, perChannel(op, bias, rank)]) : scaled;
  },
};

/** Rounded to codes by constants: then codes come out of it. */
function isRounded(result: Value): boolean {
  const reader = onlyReader(result);
  const quantize = reader && isStandard(reader, 'Relu') ? onlyReader(reader.outputs[0]!) : reader;
  return (
    quantize !== null &&
    quantize !== undefined &&
    isStandard(quantize, 'QuantizeLinear') &&
    Boolean(codesWritten(quantize)?.scale.data)
  );
}

/** Stored codes with a scale for each output channel or one for all, and zero points of 0. */
function weightOf(w: Value | null | undefined): { readonly codes: Value; readonly scale: Value } | null {
  const node = dequantizing(w);
  const [codes, scale, zeroPoint = null] = node?.inputs ?? [];
  if (!node || !codes?.data || !scale?.data || !isByte(codes.data)) return null;
  if (scale.data.shape.length > 1 || (scale.data.shape.length === 1 && node.attributes.get('axis')?.value !== 0))
    return null;
  return zeroPoint === null || isZero(zeroPoint.data) ? { codes, scale } : null;
}

const isByte = ({ dtype }: TensorData): boolean => dtype === 'int8' || dtype === 'uint8';
const isZero = (data: TensorData | null): boolean => data?.memory?.every((byte) => byte === 0) ?? false;

/** Channels are the second axis of the result. */
const perChannel = (op: Builder, vector: Value, rank: number): Value =>
  vector.type!.shape.length === 0
    ? vector
    : op.Reshape([vector, op.ints([-1, ...new Array<number>(rank - 2).fill(1)])]);
