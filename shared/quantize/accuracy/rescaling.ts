/** Factors of channels, collected for the constants of a graph and multiplied in once. */
import { FreshNames } from '../../onnx/fresh-names.ts';
import type { Graph } from '../../onnx/ir.ts';
import { constantOf } from '../../onnx/match.ts';
import { asFloat32, bytesOf } from '../../tensor/arithmetic.ts';
import { derivedData } from '../../tensor/data.ts';
import {
  absMaxByChannel,
  channelCount,
  type GroupedChannels,
  multiplyChannels,
} from '../../tensor/grouped-channels.ts';
import type { ChannelConstant } from './layers.ts';
import { replaceConstant } from './own-constants.ts';

interface Factors {
  readonly view: GroupedChannels;
  readonly values: Float64Array;
}

interface Entry {
  readonly constant: ChannelConstant;
  /** By what the channels are: a weight may be scaled by what it reads and by what it gives. */
  readonly factors: Map<string, Factors>;
}

export class Rescaling {
  readonly #graph: Graph;
  readonly #entries = new Map<string, Entry>();
  readonly #serials = new Map<object, number>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Largest magnitude of each channel with the factors so far; NaN where it is not finite. Reads the numbers. */
  async absMaxOf(constant: ChannelConstant): Promise<Float32Array> {
    const { node, index, view } = constant;
    const bytes = await constantOf(node.inputs[index])!.read();
    return absMaxByChannel(scaled(bytes, this.#entry(constant).factors), view);
  }

  multiply(constant: ChannelConstant, by: Float64Array): void {
    const { factors } = this.#entry(constant);
    const { view } = constant;
    const key = JSON.stringify(view);
    const known = factors.get(key) ?? { view, values: new Float64Array(channelCount(view)).fill(1) };
    by.forEach((factor, channel) => (known.values[channel]! *= factor));
    factors.set(key, known);
  }

  divide(constant: ChannelConstant, by: Float64Array): void {
    this.multiply(
      constant,
      by.map((factor) => 1 / factor),
    );
  }

  /** Gives each node a constant of its own: others that read the old one go on reading it. */
  apply(): void {
    const names = new FreshNames(this.#graph);
    for (const { constant, factors } of this.#entries.values()) {
      if (factors.size === 0) continue;
      const { node, index } = constant;
      const before = constantOf(node.inputs[index])!;
      const data = derivedData(before, [before], (bytes) => bytesOf(scaled(bytes!, factors)));
      replaceConstant(this.#graph, constant, { data, names });
    }
    this.#entries.clear();
  }

  #entry(constant: ChannelConstant): Entry {
    const { node, index } = constant;
    const serial = this.#serials.get(node) ?? this.#serials.size;
    this.#serials.set(node, serial);
    const key = `${serial} ${index}`;
    const entry = this.#entries.get(key) ?? { constant, factors: new Map<string, Factors>() };
    this.#entries.set(key, entry);
    return entry;
  }
}

function scaled(bytes: Uint8Array, factors: ReadonlyMap<string, Factors>): Float32Array {
  const values = asFloat32(bytes).slice();
  for (const { view, values: by } of factors.values()) multiplyChannels(values, view, by);
  return values;
}
