/** Memory, Blobs and files as byte sources. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { blobSource } from '../../shared/bytes/blob-source.ts';
import { fileNameOf, memorySource } from '../../shared/bytes/byte-source.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { byteSourceContract, CONTENT } from './byte-source.contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'byte-source-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

byteSourceContract(
  'memory',
  async () => memorySource('memory', CONTENT),
  async () => memorySource('nothing', new Uint8Array(0)),
);
byteSourceContract(
  'a Blob',
  async () => blobSource('blob', new Blob([CONTENT])),
  async () => blobSource('nothing', new Blob([])),
);
byteSourceContract(
  'a file',
  async () => fileSource(file('content', CONTENT)),
  async () => fileSource(file('empty', new Uint8Array(0))),
);

test.each([
  ['net.pt2', 'net.pt2'],
  ['a/b/net.pt2', 'net.pt2'],
  ['C:\\models\\net.pt2', 'net.pt2'],
  ['s3://bucket/net.pt2', 'net.pt2'],
])('the file name of %s', (name, expected) => {
  expect(fileNameOf(memorySource(name, CONTENT))).toBe(expected);
});

describe('a file', () => {
  test('that is missing has a code', () => {
    expect(() => fileSource(join(folder, 'missing'))).toThrow(expect.objectContaining({ name: 'FileNotFound' }));
  });

  test('that shrinks while it is read is refused, not filled with zeros', async () => {
    const path = file('shrinking', CONTENT);
    const source = fileSource(path);
    truncateSync(path, 5_000);
    await expect(source.slice(4_000, 6_000).read()).rejects.toMatchObject({ name: 'CorruptArchive' });
    source.close();
  });
});
