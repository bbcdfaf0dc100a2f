/**
 * Opens a PyTorch model file, whatever it is called: the program inside, or a clear word on what the file is instead.
 */
import type { ByteSource } from '../bytes/byte-source.ts';
import { openZip, type Zip } from '../bytes/zip.ts';
import { fail, isFailure } from '../errors.ts';
import { findProgram, type ProgramArchive, recordSet } from './exported/archive.ts';
import { jsonArchive } from './exported/bare-json.ts';
import { readExportedProgram } from './exported-program.ts';
import { type FileKind, kindOfBytes } from './magic.ts';
import type { TorchProgram } from './program.ts';
import { kindOfZip } from './zip-kinds.ts';

/** The program of a file. Its weights stay where they are until they are read. */
export async function openProgram(source: ByteSource): Promise<TorchProgram> {
  const found = await look(source);
  return 'program' in found
    ? readExportedProgram(found)
    : fail('UnsupportedFormat', { file: source.name, found: found.found, hint: found.hint });
}

/** What a file is, by its content: `format` is a short name, `found` a sentence's end, `hint` what to do. */
export async function identify(source: ByteSource): Promise<FileKind> {
  const found = await look(source);
  return 'program' in found ? { format: found.format, found: 'a torch.export program', hint: '' } : found;
}

const HEAD = 1024;

async function look(source: ByteSource): Promise<ProgramArchive | FileKind> {
  const zip = await zipOf(source);
  if (zip instanceof Uint8Array) return jsonArchive(source, zip) ?? kindOfBytes(zip, source.size);
  const records = recordSet(source, zip);
  return (await findProgram(records)) ?? (await kindOfZip(records));
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
