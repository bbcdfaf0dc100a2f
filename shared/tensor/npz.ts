/** NumPy's .npz archives, read lazily and written as np.savez writes them. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { openZip } from '../bytes/zip.ts';
import { zipBytes } from '../bytes/zip-write.ts';
import type { TensorData } from './data.ts';
import type { Dtype } from './dtype.ts';
import { npyBytes, readNpy } from './npy.ts';

export interface NpyArray {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** The arrays of an archive in its order, named without `.npy`; np.savez and np.savez_compressed alike. */
export async function readNpz(source: ByteSource): Promise<Map<string, NpyArray>> {
  const zip = await openZip(source);
  await zip.prefetch(zip.entries, 0);
  const arrays = new Map<string, NpyArray>();
  for (const entry of zip.entries) {
    if (!entry.name.endsWith('.npy')) continue;
    const data = await readNpy(await entry.slice());
    // Bytes of a compressed record are nowhere as they are.
    arrays.set(entry.name.slice(0, -'.npy'.length), {
      dtype: data.dtype,
      shape: data.shape,
      data: entry.stored ? data : { ...data, stored: null },
    });
  }
  return arrays;
}

/** A .npz archive, uncompressed. */
export async function writeNpz(arrays: Iterable<readonly [name: string, data: TensorData]>): Promise<Uint8Array> {
  const records: [string, Uint8Array][] = [];
  for (const [name, data] of arrays) records.push([`${name}.npy`, await npyBytes(data)]);
  return zipBytes(records);
}
