/** The smallest and the largest value of each channel of a tensor, found in the graph. */
import type { Builder } from '../../onnx/builder.ts';
import type { Value } from '../../onnx/ir.ts';
import type { Watch } from '../observers/observer.ts';
import type { ChannelAxis } from './layers.ts';

export interface ChannelExtremes {
  readonly min: Float32Array;
  readonly max: Float32Array;
}

export class ChannelExtremesWatch implements Watch {
  /** null: nothing was seen. */
  extremes: ChannelExtremes | null = null;
  readonly #axis: ChannelAxis;

  constructor(axis: ChannelAxis) {
    this.#axis = axis;
  }

  /** ReduceMin and ReduceMax pass over a NaN that does not come first; the sum does not. */
  probes(op: Builder, tensor: Value): readonly Value[] {
    const { count, trailing } = this.#axis;
    const places = Array.from({ length: trailing }, (_, i) => i + 2);
    const rows = trailing === 0 ? op.Reshape([tensor, op.ints([-1, count])]) : tensor;
    const axes = op.ints([0, ...places]);
    return [
      op.ReduceMin([rows, axes], { keepdims: 0 }),
      op.ReduceMax([rows, axes], { keepdims: 0 }),
      op.ReduceSum([tensor], { keepdims: 0 }),
    ];
  }

  absorb([least, most, sum]: readonly Float32Array[]): boolean {
    const next = { min: least!, max: most! };
    if (next.min[0] === Infinity && next.max[0] === -Infinity) return true;
    if (Number.isNaN(sum![0]!) || !next.min.every(Number.isFinite) || !next.max.every(Number.isFinite)) return false;
    const seen = this.extremes;
    this.extremes = {
      min: next.min.map((v, i) => Math.min(v, seen?.min[i] ?? Infinity)),
      max: next.max.map((v, i) => Math.max(v, seen?.max[i] ?? -Infinity)),
    };
    return true;
  }

  range(): null {
    return null;
  }
}
