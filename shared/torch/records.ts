/** The records of a zip, which may all lie under one folder of any name. */
import type { ByteSource } from '../bytes/byte-source.ts';
import type { Zip, ZipEntry } from '../bytes/zip.ts';

export interface RecordSet {
  readonly source: ByteSource;
  readonly zip: Zip;
  readonly root: string;
  get(name: string): ZipEntry | null;
  /** Names below a folder, without it. */
  under(folder: string): string[];
}

export function recordSet(source: ByteSource, zip: Zip): RecordSet {
  const first = zip.entries[0]?.name.split('/')[0] ?? '';
  const root = zip.entries.every(({ name }) => name.startsWith(`${first}/`)) ? `${first}/` : '';
  return {
    source,
    zip,
    root,
    get: (name) => zip.get(root + name),
    under: (folder) =>
      zip.entries.flatMap(({ name }) =>
        name.startsWith(root + folder) ? [name.slice(root.length + folder.length)] : [],
      ),
  };
}
