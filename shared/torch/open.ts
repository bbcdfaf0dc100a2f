/** Opens a PyTorch model file, whatever it is called: the program inside, or a clear word on what the file is instead. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { openZip } from '../bytes/zip.ts';
import { fail } from '../errors.ts';
import { findProgram, recordSet } from './exported/archive.ts';
import { readExportedProgram } from './exported-program.ts';
import type { TorchProgram } from './program.ts';

export async function openProgram(source: ByteSource): Promise<TorchProgram> {
  const zip = await openZip(source);
  const archive = await findProgram(recordSet(source, zip));
  if (!archive) fail('UnsupportedFormat', { file: source.name, found: 'a zip archive without a program', hint: 'save it with torch.export.save' });
  return readExportedProgram(archive);
}
