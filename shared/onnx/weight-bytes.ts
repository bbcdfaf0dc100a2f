/** How much the weights of a graph take. */
import type { Graph } from './ir.ts';

export function weightBytes({ initializers }: Graph): number {
  let bytes = 0;
  for (const { data } of initializers) bytes += data?.byteLength ?? 0;
  return bytes;
}
