/** How far a quantized model is from FP32 in decibels, by default and precisely, in the first output. */
import { compareOutput } from '../shared/runtime/compare.ts';
import type { Samples } from '../shared/runtime/samples.ts';
import { type Declared, type SessionOptions, withSession } from '../shared/runtime/session.ts';

export interface Decibels {
  readonly byDefault: number;
  readonly precise: number;
}

export interface SampleChoice {
  /** Opened anew for each pass. */
  readonly samples: (inputs: readonly Declared[]) => Promise<Samples>;
  readonly batch: number;
}

export async function decibelsOf(fp32: string, model: string, data: SampleChoice): Promise<Decibels> {
  const measure = (products: NonNullable<SessionOptions['products']>): Promise<number> =>
    withSession(fp32, {}, (reference) =>
      withSession(model, { products }, async (session) => {
        const name = session.outputs[0]!.name;
        const comparer = compareOutput(name, 'float32');
        for await (const { feeds } of (await data.samples(reference.inputs)).batches(data.batch))
          comparer.add((await session.run(feeds)).get(name)!, (await reference.run(feeds)).get(name)!);
        return comparer.result().sqnr ?? Infinity;
      }),
    );
  return { byDefault: await measure('default'), precise: await measure('precise') };
}

/** By default / precisely. */
export const decibelsText = ({ byDefault, precise }: Decibels): string =>
  `${byDefault.toFixed(1)} / ${precise.toFixed(1)}`;
