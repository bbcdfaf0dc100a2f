/** BatchNormalization after a convolution becomes part of its weights. */
import { derivedData, type TensorData } from '../../tensor/data.ts';
import { decodeNumbers, encodeNumbers } from '../../tensor/numbers.ts';
import type { Builder } from '../builder.ts';
import type { Node, Value } from '../ir.ts';
import { declined, type Rule } from '../pass.ts';
import { int, isUnused, producedBy } from '../match.ts';
import { nameMadeFrom } from './name-values.ts';

/** Conv weights are [out, in / group, ...]; ConvTranspose weights are [in, out / group, ...]. */
const OUT_AXES = { Conv: 0, ConvTranspose: 1 } as const;

export const foldBatchNorm: Rule = {
  name: 'fold-batch-norm',
  root: 'BatchNormalization',
  newWeights: true,
  rewrite(node, op) {
    const conv = producedBy(node.inputs[0], 'Conv', 'ConvTranspose');
    if (!conv) return null;
    const reason = reasonAgainst(conv, node);
    return reason === null ? fold(conv, node, op) : declined(reason);
  },
};

function reasonAgainst(conv: Node, norm: Node): string | null {
  if (int(norm, 'training_mode') === 1 || norm.outputs.slice(1).some((o) => !isUnused(o))) return 'it is trained';
  const output = conv.outputs[0]!;
  if (output.uses.size !== 1 || conv.graph !== norm.graph || conv.graph!.isOutput(output))
    return 'the result of the convolution is read elsewhere, too';
  const [x, w, bias = null] = conv.inputs;
  const statistics = norm.inputs.slice(1).map((value) => value?.data);
  if (!x || !w?.data || (bias && !bias.data) || !statistics.every((s) => s)) return 'its parameters are computed';
  if (w.uses.size !== 1) return 'others read the weight of the convolution';
  const { dtype } = w.data;
  const all = [...(bias ? [bias.data!] : []), ...(statistics as TensorData[])];
  return all.every((d) => d.dtype === dtype) && (dtype === 'float32' || dtype === 'float64')
    ? null
    : 'its parameters are not of one type, float32 or float64';
}

function fold(conv: Node, norm: Node, op: Builder): Value {
  const [x, w, bias = null] = conv.inputs;
  const kind = conv.op as keyof typeof OUT_AXES;
  const statistics = norm.inputs.slice(1).map((value) => value!.data!);
  const epsilon = norm.attributes.get('epsilon')?.value ?? 9.999999747378752e-6;
  const channels = channelOfWeight(w!.data!.shape, OUT_AXES[kind], int(conv, 'group') ?? 1);
  const scaled = scaledWeight(w!.data!, statistics, { ...channels, epsilon: epsilon as number });
  const shifted = shiftedBias(bias?.data ?? null, statistics, epsilon as number);
  const shift = bias?.uses.size === 1 ? renamed(bias, shifted, op) : op.constant(shifted, biasName(w!, op));
  const weight = renamed(w!, scaled, op);
  const attributes = Object.fromEntries([...conv.attributes].map(([name, { value }]) => [name, value]));
  // It is still the convolution that the user knows.
  op.origin = conv.origin;
  return op[kind]([x!, weight, shift], attributes);
}

/** The new weight takes the name; the old one is removed when nothing reads it. */
function renamed(old: Value, data: TensorData, op: Builder): Value {
  const { name } = old;
  old.name = op.freshName('folded');
  return op.constant(data, name);
}

/** `conv1.weight` gets `conv1.bias`. */
const biasName = (weight: Value, op: Builder): string | undefined =>
  nameMadeFrom(weight.name, op, (name) =>
    /(^|\.)weight$/.test(name) ? name.replace(/weight$/, 'bias') : `${name}_bias`,
  );

/** Which output channel each block of `blockSize` consecutive weights belongs to. */
interface Channels {
  readonly of: Int32Array;
  readonly blockSize: number;
}

function channelOfWeight(shape: readonly number[], axis: number, group: number): Channels {
  const blockSize = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  if (axis === 0) return { of: Int32Array.from({ length: shape[0]! }, (_, i) => i), blockSize };
  const [inputs, perGroup] = shape as [number, number];
  const inputsPerGroup = inputs / group;
  return {
    of: Int32Array.from(
      { length: inputs * perGroup },
      (_, i) => Math.floor(Math.floor(i / perGroup) / inputsPerGroup) * perGroup + (i % perGroup),
    ),
    blockSize,
  };
}

/** gamma / sqrt(var + epsilon), in double precision. */
const scales = (gamma: Float64Array, variance: Float64Array, epsilon: number): Float64Array =>
  gamma.map((g, i) => g / Math.sqrt(variance[i]! + epsilon));

const FLOAT_ARRAYS = { float32: Float32Array, float64: Float64Array } as const;

const scaledWeight = (
  w: TensorData,
  [gamma, , , variance]: readonly TensorData[],
  { epsilon, of, blockSize }: Channels & { readonly epsilon: number },
): TensorData =>
  derivedData(w, [w, gamma!, variance!], (wBytes, gammaBytes, varianceBytes) => {
    const scaled = new Uint8Array(wBytes!);
    const values = new FLOAT_ARRAYS[w.dtype as keyof typeof FLOAT_ARRAYS](scaled.buffer);
    const scale = scales(decodeNumbers(w.dtype, gammaBytes!), decodeNumbers(w.dtype, varianceBytes!), epsilon);
    for (let block = 0, at = 0; block < of.length; block++) {
      const factor = scale[of[block]!]!;
      // The product is a double; storing it rounds once.
      for (const end = at + blockSize; at < end; at++) values[at] = values[at]! * factor;
    }
    return scaled;
  });

/** beta + (bias - mean) * scale, rounded once. */
const shiftedBias = (bias: TensorData | null, statistics: readonly TensorData[], epsilon: number): TensorData =>
  derivedData(statistics[0]!, bias ? [...statistics, bias] : statistics, (...bytes) => {
    const [gamma, beta, mean, variance, b] = bytes.map((part) => decodeNumbers(statistics[0]!.dtype, part));
    const scale = scales(gamma!, variance!, epsilon);
    return encodeNumbers(
      statistics[0]!.dtype,
      scale.map((s, i) => beta![i]! + ((b ? b[i]! : 0) - mean![i]!) * s),
    );
  });
