/** One array of an .npz as the samples of a model with one input. */
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import { type Samples, samplesIn } from '../shared/runtime/samples.ts';
import type { Declared } from '../shared/runtime/session.ts';
import { readNpz } from '../shared/tensor/npz.ts';

export async function samplesUnder(source: ByteSource, array: string, inputs: readonly Declared[]): Promise<Samples> {
  const found = (await readNpz(source)).get(array);
  if (!found) throw new Error(`"${source.name}" has no array "${array}"`);
  const arrays = new Map([[inputs[0]!.name, found]]);
  return samplesIn({ file: source.name, arrays }, inputs, { code: 'BadCalibrationData' });
}
