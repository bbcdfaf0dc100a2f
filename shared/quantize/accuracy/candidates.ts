/**
 * What a way to smooth costs: the layers that read a tensor are computed with both sides rounded, in the graph and on
 * calibration data, and what they give is compared with what the model gives.
 */
import type { Builder } from '../../onnx/builder.ts';
import { Node, Value } from '../../onnx/ir.ts';
import type { TensorData } from '../../tensor/data.ts';
import type { Watch } from '../observers/observer.ts';
import type { ChannelConstant } from './layers.ts';
import type { Readers } from './readers.ts';

/** Factors that the channels of the tensor are divided by, and how both sides are rounded then. */
export interface Candidate {
  /** null: nothing is divided. */
  readonly factors: Float64Array | null;
  readonly roundedInput: (op: Builder, x: Value) => Value;
  /** Computed when it is written. */
  readonly roundedWeight: (weight: ChannelConstant) => TensorData;
}

/** One tensor with all candidates. */
export class CandidateWatch implements Watch {
  readonly #readers: Readers;
  readonly #candidates: readonly Candidate[];
  readonly #signal: Float64Array;
  readonly #noise: readonly Float64Array[];

  constructor(readers: Readers, candidates: readonly Candidate[]) {
    this.#readers = readers;
    this.#candidates = candidates;
    this.#signal = new Float64Array(readers.weights.length);
    this.#noise = candidates.map(() => new Float64Array(readers.weights.length));
  }

  /** Of each candidate: noise over signal, added up over the layers. */
  get errors(): number[] {
    return this.#noise.map((noise) => noise.reduce((sum, of, layer) => sum + of / (this.#signal[layer]! || 1), 0));
  }

  probes(op: Builder, tensor: Value): readonly Value[] {
    const { weights, axis } = this.#readers;
    const signals = weights.map(({ node }) => op.ReduceSumSquare([node.outputs[0]!], { keepdims: 0 }));
    const noises = this.#candidates.flatMap(({ factors, roundedInput, roundedWeight }) => {
      const x = roundedInput(op, factors ? op.Mul([tensor, inverse(op, factors, axis.trailing)]) : tensor);
      return weights.map((weight) => {
        const result = sameNode(op, weight, [x, op.constant(roundedWeight(weight), op.freshName('candidate'))]);
        return op.ReduceSumSquare([op.Sub([weight.node.outputs[0]!, result])], { keepdims: 0 });
      });
    });
    const scalars = [...signals, ...noises].map((scalar) => op.Reshape([scalar, op.ints([1])]));
    return [op.Concat(scalars, { axis: 0 })];
  }

  /** What is written for it, so that not all candidates of a model lie in one file. */
  elements(): number {
    const sizes = this.#readers.weights.map(({ view }) => view.groups * view.outer * view.channels * view.inner);
    return this.#candidates.length * sizes.reduce((a, b) => a + b, 0);
  }

  absorb([sums]: readonly Float32Array[]): boolean {
    const layers = this.#signal.length;
    this.#signal.forEach((_, layer) => (this.#signal[layer]! += sums![layer]!));
    this.#noise.forEach((noise, candidate) =>
      noise.forEach((_, layer) => (noise[layer]! += sums![(1 + candidate) * layers + layer]!)),
    );
    return true;
  }

  range(): null {
    return null;
  }
}

/** One over each factor, in a shape that broadcasts along the channels. */
export const inverse = (op: Builder, factors: Float64Array, trailing: number): Value =>
  op.tensor(
    'float32',
    [factors.length, ...new Array<number>(trailing).fill(1)],
    factors.map((factor) => 1 / factor),
  );

/** The operator again, on another tensor and another weight. */
function sameNode(op: Builder, { node, index }: ChannelConstant, [x, weight]: readonly [Value, Value]): Value {
  const inputs = node.inputs.map((input, i) => (i === 0 ? x : i === index ? weight : input));
  const result = new Value(op.freshName('candidate'), node.outputs[0]!.type);
  op.graph.addNode(new Node({ op: node.op, inputs, outputs: [result], attributes: node.attributes }));
  return result;
}
