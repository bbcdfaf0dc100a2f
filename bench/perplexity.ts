/** Perplexity of a language model over windows of tokens: `exp` of the mean negative logarithm of what came next. */
import { withSession } from '../shared/runtime/session.ts';
import type { Samples } from '../shared/runtime/samples.ts';
import { asFloat32 } from '../shared/tensor/arithmetic.ts';

/** One window at a time; what onnxruntime makes of the file by default. */
export const perplexity = (model: string, windows: Samples): Promise<number> =>
  withSession(model, {}, async (session) => {
    let [sum, count] = [0, 0];
    for await (const { feeds } of windows.batches(1)) {
      const [ids] = [...feeds.values()];
      const tokens = new BigInt64Array(ids!.memory.slice().buffer);
      const [logits] = [...(await session.run(feeds)).values()];
      const [values, size] = [asFloat32(logits!.memory), logits!.shape.at(-1)!];
      for (let i = 0; i + 1 < tokens.length; i++, count++)
        sum += surprise(values.subarray(i * size, (i + 1) * size), Number(tokens[i + 1]));
    }
    return Math.exp(sum / count);
  });

function surprise(logits: Float32Array, token: number): number {
  let largest = -Infinity;
  for (const v of logits) if (v > largest) largest = v;
  let sum = 0;
  for (const v of logits) sum += Math.exp(v - largest);
  return largest + Math.log(sum) - logits[token]!;
}
