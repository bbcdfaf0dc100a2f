/** Files that are no zip archive, told by their first bytes: most uploads that fail are one of these. */

export interface FileKind {
  /** A short name for tables and JSON. */
  readonly format: string;
  /** Follows "the file is ...". */
  readonly found: string;
  readonly hint: string;
}

export const EXPORT_HINT =
  'export the model in Python: torch.export.save(torch.export.export(model, args), "model.pt2")';
const UPLOAD_HINT = 'upload the model file itself';

const bytes = (...values: readonly number[]): Buffer => Buffer.from(values);
const text = (value: string): Buffer => Buffer.from(value, 'latin1');

interface MagicRow extends FileKind {
  readonly at: number;
  readonly magic: Buffer;
}

const archive = (magic: Buffer, name: string, at = 0): MagicRow => ({
  at,
  magic,
  format: name,
  found: `a ${name} archive`,
  hint: 'unpack it and upload the model file inside',
});

/** First match wins. */
const MAGIC: readonly MagicRow[] = [
  {
    at: 0,
    // The magic number of torch.serialization as the first of five pickles.
    magic: bytes(0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e),
    format: 'torch.save (legacy)',
    found: 'a checkpoint in the format of torch before 1.6: it holds weights or a pickled module, but no graph',
    hint: EXPORT_HINT,
  },
  {
    at: 4,
    magic: text('PTMF'),
    format: 'PyTorch Mobile',
    found: 'a PyTorch Mobile flatbuffer (.ptl)',
    hint: EXPORT_HINT,
  },
  {
    at: 4,
    magic: text('ET12'),
    format: 'ExecuTorch',
    found: 'an ExecuTorch program (.pte), already compiled for a device',
    hint: EXPORT_HINT,
  },
  {
    at: 4,
    magic: text('TFL3'),
    format: 'TensorFlow Lite',
    found: 'a TensorFlow Lite model',
    hint: 'this converter reads PyTorch models',
  },
  { at: 0, magic: text('GGUF'), format: 'GGUF', found: 'a GGUF file: weights without a graph', hint: EXPORT_HINT },
  {
    at: 0,
    magic: bytes(0x89, 0x48, 0x44, 0x46),
    format: 'HDF5',
    found: 'an HDF5 file (Keras or plain data)',
    hint: 'this converter reads PyTorch models',
  },
  { at: 0, magic: bytes(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59), format: 'npy', found: 'a NumPy array', hint: UPLOAD_HINT },
  archive(bytes(0x1f, 0x8b), 'gzip'),
  archive(bytes(0x28, 0xb5, 0x2f, 0xfd), 'Zstandard'),
  archive(bytes(0xfd, 0x37, 0x7a, 0x58, 0x5a), 'xz'),
  archive(text('BZh'), 'bzip2'),
  archive(bytes(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c), '7z'),
  archive(text('ustar'), 'tar', 257),
  {
    at: 0,
    magic: text('version https://git-lfs.github.com'),
    format: 'git-lfs',
    found: 'a Git LFS pointer, not the model itself',
    hint: 'run "git lfs pull" and upload the real file',
  },
];

/** Old torch wrote tar archives before tar had a magic word. */
const OLD_TAR = /^(?:storages|tensors|pickle|sys_info)\0/;

export function kindOfBytes(head: Uint8Array, size: number): FileKind {
  const buffer = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  if (size === 0) return { format: 'empty', found: 'an empty file', hint: 'upload it again' };
  for (const { at, magic, format, found, hint } of MAGIC) {
    if (buffer.subarray(at, at + magic.length).equals(magic)) return { format, found, hint };
  }
  const latin1 = buffer.toString('latin1');
  if (OLD_TAR.test(latin1))
    return {
      format: 'torch.save (tar)',
      found: 'a checkpoint in the tar format of torch 0.1, without a graph',
      hint: EXPORT_HINT,
    };
  if (isSafetensors(buffer, size))
    return { format: 'safetensors', found: 'a safetensors file: weights without a graph', hint: EXPORT_HINT };
  if (isOnnx(buffer))
    return {
      format: 'ONNX',
      found: 'an ONNX model already',
      hint: 'use "quantize" or "validate" on it; it needs no conversion',
    };
  if (buffer[0] === 0x80 && buffer[1]! >= 2 && buffer[1]! <= 5)
    return { format: 'pickle', found: 'a Python pickle', hint: EXPORT_HINT };
  if (/^\s*<(?:!doctype html|html|head|body)/i.test(latin1))
    return { format: 'HTML', found: 'a web page, perhaps of a failed download', hint: UPLOAD_HINT };
  if (/^\s*<\?xml|^\s*<\w+[\s>]/.test(latin1))
    return { format: 'XML', found: 'an XML document, perhaps the message of a failed download', hint: UPLOAD_HINT };
  if (isText(buffer)) return { format: 'text', found: 'a text file', hint: UPLOAD_HINT };
  return {
    format: 'unknown',
    found: 'no PyTorch model: its first bytes belong to no format known here',
    hint: EXPORT_HINT,
  };
}

/** A length of 8 bytes, then a JSON header. */
function isSafetensors(buffer: Buffer, size: number): boolean {
  if (buffer.length < 10) return false;
  const length = buffer.readBigUInt64LE();
  return length > 1n && length <= BigInt(size - 8) && /^\{\s*["}]/.test(buffer.subarray(8).toString('latin1'));
}

/** A ModelProto begins with ir_version (field 1), then producer, opsets or the graph. */
function isOnnx(buffer: Buffer): boolean {
  return (
    buffer[0] === 0x08 &&
    buffer[1]! >= 1 &&
    buffer[1]! < 32 &&
    [0x12, 0x1a, 0x22, 0x28, 0x3a, 0x42].includes(buffer[2]!)
  );
}

function isText(buffer: Buffer): boolean {
  try {
    // A character may be cut at the end of what was read.
    const decoded = new TextDecoder('utf-8', { fatal: true }).decode(buffer, { stream: true });
    // oxlint-disable-next-line no-control-regex
    return !/[\0-\x08\x0e-\x1f]/.test(decoded);
  } catch {
    return false;
  }
}
