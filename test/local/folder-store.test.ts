/** Folders as buckets: the contract, and what is special about folders. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folderStore, TEMPORARY } from '../../local/folder-store.ts';
import { keyOfPath, pathOfKey } from '../../local/key-path.ts';
import { MACHINE } from '../../shared/bytes/unfinished.ts';
import { storeContract } from '../pipeline/store.contract.ts';

storeContract('folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'folder-store-'));
  return {
    store: folderStore({ one: join(root, '1'), two: join(root, '2') }),
    buckets: ['one', 'two'],
    close: () => rm(root, { recursive: true }),
  };
});

describe('folders', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'folders-'));
  });
  afterEach(() => rm(root, { recursive: true }));
  const store = () => folderStore({ b: join(root, 'bucket') });
  const bytes = new Uint8Array([1, 2, 3]);
  const put = (key: string) => store().putBytes({ bucket: 'b', key, bytes, contentType: 'x' });

  it('keeps ordinary keys as ordinary paths', async () => {
    await put('models/my net+1 (ü).pt2');
    expect(await readFile(join(root, 'bucket', 'models', 'my net+1 (ü).pt2'))).toEqual(Buffer.from(bytes));
    expect(await store().localPath!('b', 'models/my net+1 (ü).pt2')).toBe(
      join(root, 'bucket', 'models', 'my net+1 (ü).pt2'),
    );
  });

  it('looks a crowded folder through once, not before every write', async () => {
    await mkdir(join(root, 'bucket'));
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    const abandon = (name: string) => writeFile(join(root, 'bucket', `${TEMPORARY}${MACHINE}-${gone}-${name}`), 'half');
    const left = async () => (await readdir(join(root, 'bucket'))).filter((name) => name.startsWith(TEMPORARY));
    for (let i = 0; i < 500; i++) await writeFile(join(root, 'bucket', String(i)), '');
    const one = store();
    await abandon('first');
    await one.putBytes({ bucket: 'b', key: 'x', bytes, contentType: 'x' });
    expect(await left()).toEqual([]);
    await abandon('second');
    await one.putBytes({ bucket: 'b', key: 'y', bytes, contentType: 'x' });
    expect(await left()).toHaveLength(1);
  });

  it('leaves nothing of a write that fails', async () => {
    await mkdir(join(root, 'bucket'));
    await expect(
      store().putFile({ bucket: 'b', key: 'x/y', path: join(root, 'missing'), contentType: 'x' }),
    ).rejects.toThrow('ENOENT');
    expect(await readdir(join(root, 'bucket', 'x'))).toEqual([]);
  });

  it('does not list what is being written', async () => {
    await put('done');
    await writeFile(join(root, 'bucket', `${TEMPORARY}x`), 'half');
    const keys: string[] = [];
    for await (const { key } of store().list('b', '')) keys.push(key);
    expect(keys).toEqual(['done']);
  });

  it('says so when a file is where a folder must be, and the other way round', async () => {
    await put('a');
    await put('c/d');
    await expect(put('a/b')).rejects.toMatchObject({ name: 'BadKey' });
    await expect(put('c')).rejects.toMatchObject({ name: 'BadKey' });
    await expect(store().putIfAbsent('b', 'a/b', bytes)).rejects.toMatchObject({ name: 'BadKey' });
  });

  it('ends with a circle of links', async () => {
    await put('a/file');
    await symlink(join(root, 'bucket'), join(root, 'bucket', 'a', 'circle'));
    const keys: string[] = [];
    for await (const { key } of store().list('b', '')) keys.push(key);
    expect(keys).toEqual(['a/file']);
  });

  it('knows no other buckets', async () => {
    await expect(store().head('constructor', 'x')).rejects.toMatchObject({ name: 'FileNotFound' });
  });
});

describe('paths of keys', () => {
  it.each([
    ['a/b.pt2', 'a/b.pt2'],
    ['a//b', 'a/%~/b'],
    ['%~x', '%~%25%7Ex'],
    [`${'x'.repeat(256)}/y`, `%~${'x'.repeat(200)}/%+${'x'.repeat(56)}/y`],
  ])('%s is %s', (key, path) => {
    expect(pathOfKey(key)).toBe(path);
    expect(keyOfPath(path)).toBe(key);
  });

  it('leaves a file alone that only looks encoded', () => {
    expect(keyOfPath('%~50%.pt2')).toBe('%~50%.pt2');
  });
});
