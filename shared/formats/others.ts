/** What else arrives: files of other tools, archives around a model, failed downloads. First match wins. */
import type { Candidate, Format } from './format.ts';
import { begins, magic, refused } from './matching.ts';

const upload = { hint: 'upload the model file itself' };
const unpack = { hint: 'unpack it and upload the model file inside' };
const reads = { hint: 'this converter reads PyTorch models' };

export const OTHERS: readonly Format[] = [
  { ...refused('empty', ({ source }) => source.size === 0, 'an empty file'), hint: 'upload it again' },
  {
    ...refused(
      'npz',
      ({ records }) =>
        records !== null &&
        records.zip.entries.length > 0 &&
        records.zip.entries.every(({ name }) => name.endsWith('.npy')),
      'a NumPy archive of arrays',
    ),
    hint: 'upload the model; arrays serve as calibration data',
  },
  refused('zip', ({ records }) => records !== null, 'a zip archive without a PyTorch program'),
  { ...refused('TensorFlow Lite', magic('TFL3', 4), 'a TensorFlow Lite model'), ...reads },
  refused('GGUF', magic('GGUF'), 'a GGUF file: weights without a graph'),
  { ...refused('HDF5', magic([0x89, 0x48, 0x44, 0x46]), 'an HDF5 file (Keras or plain data)'), ...reads },
  { ...refused('npy', magic([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]), 'a NumPy array'), ...upload },
  { ...refused('gzip', magic([0x1f, 0x8b]), 'a gzip archive'), ...unpack },
  { ...refused('Zstandard', magic([0x28, 0xb5, 0x2f, 0xfd]), 'a Zstandard archive'), ...unpack },
  { ...refused('xz', magic([0xfd, 0x37, 0x7a, 0x58, 0x5a]), 'a xz archive'), ...unpack },
  { ...refused('bzip2', magic('BZh'), 'a bzip2 archive'), ...unpack },
  { ...refused('7z', magic([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]), 'a 7z archive'), ...unpack },
  { ...refused('tar', magic('ustar', 257), 'a tar archive'), ...unpack },
  {
    ...refused('git-lfs', magic('version https://git-lfs.github.com'), 'a Git LFS pointer, not the model itself'),
    hint: 'run "git lfs pull" and upload the real file',
  },
  {
    ...refused('HTML', begins(/^\s*<(?:!doctype html|html|head|body)/i), 'a web page, perhaps of a failed download'),
    ...upload,
  },
  {
    ...refused('XML', begins(/^\s*<\?xml|^\s*<\w+[\s>]/), 'an XML document, perhaps the message of a failed download'),
    ...upload,
  },
  { ...refused('text', isText, 'a text file'), ...upload },
  refused('unknown', () => true, 'no PyTorch model: its first bytes belong to no format known here'),
];

function isText({ head }: Candidate): boolean {
  try {
    // A character may be cut at the end of what was read.
    const decoded = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    // oxlint-disable-next-line no-control-regex
    return !/[\0-\x08\x0e-\x1f]/.test(decoded);
  } catch {
    return false;
  }
}
