/** External data from the files of a folder. */
import { join } from 'node:path';
import { type FileSource, fileSource } from '../../bytes/file-source.ts';
import { leadsOut } from '../../bytes/leads-out.ts';
import { fail } from '../../errors.ts';
import type { ExternalData } from './external-data.ts';

/** Each file is opened once. */
export function folderData(folder: string): { readonly open: ExternalData; close(): void } {
  const files = new Map<string, FileSource>();
  return {
    open(location) {
      const known = files.get(location) ?? fileSource(insideOf(folder, location));
      files.set(location, known);
      return known;
    },
    close() {
      for (const file of files.values()) file.close();
      files.clear();
    },
  };
}

/** Refuses a link that leads out of the folder: a model must not choose which files of this machine are read. */
function insideOf(folder: string, location: string): string {
  const path = join(folder, location);
  if (!leadsOut(folder, path)) return path;
  const reason = 'it is a link that leads out of the folder of the model; copy the file there';
  return fail('CorruptModel', { file: path, where: 'external data', reason });
}
