/** A first look at a file: the directory of an archive, or the first bytes of anything else. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { openZip, type Zip } from '../bytes/zip.ts';
import { isFailure } from '../errors.ts';
import { recordSet } from '../torch/records.ts';
import type { Candidate, Saved } from './format.ts';
import { readSaved } from './saved.ts';

const HEAD = 1024;

export async function look(source: ByteSource): Promise<Candidate> {
  const zip = await zipOf(source);
  const isZip = !(zip instanceof Uint8Array);
  let saved: Promise<Saved> | null = null;
  return {
    source,
    head: isZip ? new Uint8Array(0) : zip,
    records: isZip ? recordSet(source, zip) : null,
    saved: () => (saved ??= readSaved(source)),
  };
}

/**
 * The archive, or the first bytes of a file that is none. The directory is tried first: for a model this saves a read.
 */
async function zipOf(source: ByteSource): Promise<Zip | Uint8Array> {
  try {
    return await openZip(source);
  } catch (error) {
    if (!isFailure(error, 'CorruptArchive')) throw error;
    const head = await source.slice(0, Math.min(HEAD, source.size)).read();
    if (head[0] === 0x50 && head[1] === 0x4b) throw error;
    return head;
  }
}
