/** Channels of a weight by what it reads or gives: those of grouped convolutions lie group by group. */
import { absMaxOf, type Channels } from './arithmetic.ts';

/** `groups` tensors behind each other, each with channels of its own: `groups * channels` in all. */
export interface GroupedChannels extends Channels {
  readonly groups: number;
}

export const ungrouped = (channels: Channels): GroupedChannels => ({ groups: 1, ...channels });

export const channelCount = ({ groups, channels }: GroupedChannels): number => groups * channels;

/** Largest magnitude of each channel; NaN where a channel holds a NaN or an infinity. */
export function absMaxByChannel(values: Float32Array, view: GroupedChannels): Float32Array {
  const size = view.outer * view.channels * view.inner;
  const result = new Float32Array(channelCount(view));
  for (let g = 0; g < view.groups; g++)
    result.set(absMaxOf(values.subarray(g * size, (g + 1) * size), view), g * view.channels);
  return result;
}

/** Multiplies each channel by its factor, in place: the product is a double, rounded once. */
export function multiplyChannels(values: Float32Array, view: GroupedChannels, factors: Float64Array): void {
  const { groups, outer, channels, inner } = view;
  for (let g = 0, i = 0; g < groups; g++)
    for (let o = 0; o < outer; o++)
      for (let c = 0; c < channels; c++) {
        const factor = factors[g * channels + c]!;
        for (const end = i + inner; i < end; i++) values[i] = values[i]! * factor;
      }
}
