/** Pairs of an FP32 model and the INT8 model PyTorch made of it, with what that one computed: a folder of fixtures. */
import { expect, onTestFinished } from 'vitest';
import { arrayOf, outputsOf } from '../../../bench/inc-case.ts';
import { fileSource } from '../../../shared/bytes/file-source.ts';
import type { CodeTypes, DynamicActivations, QuantFormat } from '../../../shared/choices.ts';
import { writtenOptions } from '../../../bench/pt2e-case.ts';
import { withSession } from '../../../shared/runtime/session.ts';
import { transferFile, type TransferredFile } from '../../../shared/steps/transfer-file.ts';
import { asFloat32 } from '../../../shared/tensor/arithmetic.ts';
import { fixturePath } from '../fixture.ts';

export interface Pair {
  /** The FP32 model, a file of the folder. */
  readonly graph: string;
  /** Name of a case: whose INT8 model. */
  readonly quantized: string;
  readonly path: string;
  readonly format: QuantFormat;
  readonly types?: CodeTypes;
  readonly activations?: DynamicActivations;
}

export interface Pairs {
  readonly carriedOver: (pair: Pair) => Promise<TransferredFile>;
  /** What the INT8 model of the case computed, as far as float32 sums fall on the same side of a border. */
  readonly expectPyTorchsNumbers: (path: string, how: Pick<Pair, 'types'> & { readonly name: string }) => Promise<void>;
}

export function pairsIn(folder: string): Pairs {
  const at = (file: string): string => fixturePath('..', folder, file);
  return {
    carriedOver({ graph, quantized, ...how }) {
      const source = fileSource(at(`${quantized}.int8.pt`));
      onTestFinished(() => source.close());
      const fixed = { recipe: 'QDQ_OP_FP32_BIAS', weights: 'embed' } as const;
      return transferFile({ graph: at(graph), quantized: source, ...how, ...fixed });
    },
    async expectPyTorchsNumbers(path, { name, types = 'U8S8' }) {
      // Products of U8U8 are exact as they stand on every processor, and fused ones add the bias in another order.
      const options = types === 'U8U8' ? ({ optimize: 'none' } as const) : await writtenOptions(path);
      const x = await arrayOf(at(`${name}.npz`), 'x');
      const actual = await withSession(path, options, (session) => outputsOf(session, x));
      const expected = asFloat32(await (await arrayOf(at(`${name}.npz`), 'int8')).read());
      const equal = actual.filter((v, i) => Math.abs(v - expected[i]!) <= 1e-5).length;
      // A float32 sum on the border of two codes may fall on either side: one in a thousand.
      expect(equal / expected.length).toBeGreaterThan(0.999);
    },
  };
}
