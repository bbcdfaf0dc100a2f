/** Folders as buckets. */
import { constants, type Dirent } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileSource } from '../shared/bytes/file-source.ts';
import { leadsOut } from '../shared/bytes/leads-out.ts';
import { removeAbandoned, unfinishedName } from '../shared/bytes/unfinished.ts';
import { fail } from '../shared/errors.ts';
import type { ObjectInfo, ObjectStore } from '../shared/pipeline/workspace/store.ts';
import { keyOfPath, pathOfKey } from './key-path.ts';

/** Files that are being written; no bucket lists them. */
export const TEMPORARY = '.torchferry-writing-';

// Names in a folder from which on it is looked through once, not before every write: claims of a batch share one.
const CROWDED = 500;

/**
 * A store over folders; `buckets` says which folder a bucket is, `given` which of its keys are files elsewhere: bucket
 * to key to path. Content types and tags are not kept.
 */
export function folderStore(
  buckets: Readonly<Record<string, string>>,
  given: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(),
): ObjectStore {
  const folderOf = (bucket: string): string =>
    Object.hasOwn(buckets, bucket) ? buckets[bucket]! : fail('FileNotFound', { file: bucket });
  const pathOf = (bucket: string, key: string): string =>
    given.get(bucket)?.get(key) ?? join(folderOf(bucket), pathOfKey(key));

  const tidied = new Set<string>();
  async function tidy(folder: string): Promise<void> {
    if (tidied.has(folder)) return;
    if ((await removeAbandoned(folder, TEMPORARY)) >= CROWDED) tidied.add(folder);
  }

  /** Write under another name first, then let `publish` put it in place at once. */
  async function write({ bucket, key, fill, publish }: Write): Promise<ObjectInfo> {
    const path = pathOf(bucket, key);
    try {
      await mkdir(dirname(path), { recursive: true });
      await tidy(dirname(path));
      const temporary = join(dirname(path), unfinishedName(TEMPORARY));
      try {
        await fill(temporary);
        await publish(temporary, path);
      } finally {
        await rm(temporary, { force: true });
      }
    } catch (cause) {
      if (IN_THE_WAY.has(codeOf(cause)))
        fail(
          'BadKey',
          { key, problem: 'a folder has files or folders, and one of them is in the way of this name' },
          cause,
        );
      throw cause;
    }
    return { key, ...(await infoOf(path))! };
  }

  return {
    async open(bucket, key, version) {
      const path = pathOf(bucket, key);
      const info = await infoOf(path);
      if (!info || (version !== undefined && version !== info.version)) fail('FileNotFound', { file: path });
      return fileSource(path);
    },
    async read(bucket, key) {
      const path = pathOf(bucket, key);
      return (await infoOf(path)) && readFile(path);
    },
    async head(bucket, key, version) {
      const info = await infoOf(pathOf(bucket, key));
      return info && (version === undefined || version === info.version) ? { key, ...info } : null;
    },
    putFile: ({ bucket, key, path }) =>
      write({ bucket, key, fill: (to) => copyFile(path, to, constants.COPYFILE_FICLONE), publish: rename }),
    putBytes: ({ bucket, key, bytes }) =>
      write({ bucket, key, fill: (to) => writeDurably(to, bytes), publish: rename }),
    async putIfAbsent(bucket, key, bytes) {
      try {
        // A link fails when its name is taken: that is what makes exactly one caller win.
        await write({ bucket, key, fill: (to) => writeDurably(to, bytes), publish: link });
        return true;
      } catch (cause) {
        if (codeOf(cause) === 'EEXIST') return false;
        throw cause;
      }
    },
    async *list(bucket, prefix) {
      const folder = folderOf(bucket);
      const found: { key: string; path: string }[] = [];
      for await (const path of filesBelow(folder, '')) {
        const key = keyOfPath(path);
        if (key.startsWith(prefix)) found.push({ key, path });
      }
      found.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
      for (const { key, path } of found) {
        const info = await infoOf(join(folder, path));
        if (info) yield { key, ...info };
      }
    },
    leadsOut: async (bucket, key) => !given.get(bucket)?.has(key) && leadsOut(folderOf(bucket), pathOf(bucket, key)),
    async localPath(bucket, key, version) {
      const path = pathOf(bucket, key);
      const info = await infoOf(path);
      return info && (version === undefined || version === info.version) ? path : null;
    },
  };
}

interface Write {
  readonly bucket: string;
  readonly key: string;
  fill(path: string): Promise<void>;
  publish(temporary: string, path: string): Promise<void>;
}

const IN_THE_WAY = new Set(['ENOTDIR', 'EISDIR', 'EEXIST:mkdir', 'ENOTEMPTY']);

function codeOf(error: unknown): string {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === 'EEXIST' && syscall === 'mkdir' ? 'EEXIST:mkdir' : (code ?? '');
}

async function infoOf(path: string): Promise<Omit<ObjectInfo, 'key'> | null> {
  const stats = await stat(path, { bigint: true }).catch((cause: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(cause))) return null;
    throw cause;
  });
  // A file that was replaced has another inode or another time, whatever its size.
  return stats?.isFile()
    ? { size: Number(stats.size), version: [stats.mtimeNs, stats.size, stats.ino].map((n) => n.toString(36)).join('-') }
    : null;
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Relative paths of all files; folders that are links are not entered, so that a circle of links ends. */
async function* filesBelow(root: string, path: string): AsyncGenerator<string> {
  const entries = await readdir(join(root, path), { withFileTypes: true }).catch((cause: unknown): Dirent[] => {
    if (codeOf(cause) === 'ENOENT') return [];
    throw cause;
  });
  for (const entry of entries) {
    if (entry.name.startsWith(TEMPORARY)) continue;
    const inner = path === '' ? entry.name : `${path}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(root, inner);
    else yield inner;
  }
}
