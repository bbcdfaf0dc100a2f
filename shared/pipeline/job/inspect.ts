/** What a file is, from its first bytes: enough to refuse early what no stage can use. */
import type { ByteSource } from '../../bytes/byte-source.ts';
import { fail } from '../../errors.ts';

interface Kind {
  readonly name: string;
  is(head: Uint8Array, file: string): boolean;
  /** Why it cannot be converted, with what would do; absent when it may. */
  readonly hint?: string;
}

const startsWith =
  (...bytes: readonly number[]) =>
  (head: Uint8Array): boolean =>
    bytes.every((byte, i) => head[i] === byte);
const text = (prefix: string) => startsWith(...Buffer.from(prefix));
const called =
  (extension: string) =>
  (_head: Uint8Array, file: string): boolean =>
    file.toLowerCase().endsWith(extension);

const SAVE = 'save it with torch.export.save(torch.export.export(model, args), "model.pt2")';

const KINDS: readonly Kind[] = [
  { name: 'PyTorch archive', is: startsWith(0x50, 0x4b, 0x03, 0x04) },
  { name: 'an empty zip archive', is: startsWith(0x50, 0x4b, 0x05, 0x06), hint: SAVE },
  { name: 'exported program as JSON', is: startsWith(0x7b) },
  {
    name: 'a tar archive of an old torch.save',
    is: (head) => text('ustar')(head.subarray(257)),
    hint: `load it with an old PyTorch and ${SAVE}`,
  },
  { name: 'a pickle of torch.save before 1.6 (weights without a graph)', is: startsWith(0x80), hint: SAVE },
  { name: 'an HDF5 file (Keras)', is: startsWith(0x89, 0x48, 0x44, 0x46), hint: 'only PyTorch files can be converted' },
  { name: 'an error page (HTML or XML), no model', is: startsWith(0x3c), hint: 'download the model again' },
  {
    name: 'a Git LFS pointer, not the file it points to',
    is: text('version https://git-lfs'),
    hint: 'fetch the file with "git lfs pull"',
  },
  { name: 'gzip-compressed', is: startsWith(0x1f, 0x8b), hint: 'unpack it first' },
  { name: 'ONNX', is: called('.onnx') },
];

const HEAD = 512;

/** The kind of a model file; fails with UnsupportedFormat or CorruptArchive. */
export async function inspectFormat(source: ByteSource): Promise<string> {
  if (source.size === 0) fail('CorruptArchive', { file: source.name, reason: 'it is empty' });
  const head = await source.slice(0, Math.min(HEAD, source.size)).read();
  const kind = KINDS.find(({ is }) => is(head, source.name));
  if (!kind) {
    const bytes = Buffer.from(head.subarray(0, 8)).toString('hex');
    return fail('UnsupportedFormat', {
      file: source.name,
      found: `no model (it begins with the bytes ${bytes})`,
      hint: SAVE,
    });
  }
  if (kind.hint !== undefined) fail('UnsupportedFormat', { file: source.name, found: kind.name, hint: kind.hint });
  return kind.name;
}
