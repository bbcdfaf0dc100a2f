/** Reads torch.save archives. */
import type { ByteSource } from '../bytes/byte-source.ts';
import type { TensorData } from '../tensor/data.ts';
export class SavedTensor { plain(name: string): TensorData { throw new Error(name); } }
export async function readTorchSave(source: ByteSource, options: { file: string; isLinkable: boolean }): Promise<unknown> { throw new Error(`${source.name} ${options.file}`); }
