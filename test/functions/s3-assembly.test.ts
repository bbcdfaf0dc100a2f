/** Objects made of pieces: whatever the pieces, the object is their bytes, and what can be copied is not fetched. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { s3Store } from '../../functions/s3-store.ts';
import { bytesOf } from '../../functions/upload-parts.ts';
import { planParts, uncheckedRanges } from '../../functions/upload-plan.ts';
import { memorySource, type ByteSource } from '../../shared/bytes/byte-source.ts';
import { memoryPiece, type Piece, sourcePiece } from '../../shared/bytes/destination.ts';
import { MemoryS3, failure } from './memory-s3.ts';
import { partSizes } from './part-sizes.ts';

const MiB = 2 ** 20;
const TYPE = { contentType: 'application/octet-stream' };
const random = (size: number): Uint8Array => {
  const bytes = new Uint8Array(size);
  for (let i = 0, state = size + 1; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
};

describe('the plan', () => {
  const source = memorySource('m', new Uint8Array(64 * MiB));
  const range = (start: number, end: number): Piece => sourcePiece(source.slice(start, end));
  const bytes = (size: number): Piece => memoryPiece(new Uint8Array(size));
  const copies = (root: ByteSource): boolean => root === source;
  const plan = (pieces: readonly Piece[]): (string | number)[] =>
    planParts(pieces, { copies, partBytes: 8 * MiB }).map((part) =>
      part.kind === 'copy' ? `copy ${part.source.origin.start}+${part.source.size}` : bytesOf(part),
    );

  it.each<[string, Piece[], (string | number)[]]>([
    ['a range alone', [range(100, 20 * MiB)], [`copy 100+${20 * MiB - 100}`]],
    ['ranges that follow each other', [range(0, 4 * MiB), range(4 * MiB, 9 * MiB)], [`copy 0+${9 * MiB}`]],
    ['a small end', [range(0, 20 * MiB), bytes(10)], [`copy 0+${20 * MiB}`, 10]],
    [
      'a small beginning, which takes what it lacks from the range',
      [bytes(10), range(0, 20 * MiB)],
      [5 * MiB, `copy ${5 * MiB - 10}+${15 * MiB + 10}`],
    ],
    ['a range that would hardly be copied', [bytes(10), range(0, 12 * MiB), bytes(10)], [12 * MiB + 20]],
    ['a range that must be read', [{ ...range(0, 20 * MiB), mustRead: true }], [20 * MiB]],
    ['nothing', [bytes(0), range(7, 7)], []],
    ['another source', [sourcePiece(memorySource('other', new Uint8Array(20 * MiB)))], [20 * MiB]],
  ])('%s', (_, pieces, expected) => {
    expect(plan(pieces)).toEqual(expected);
  });

  it('never makes a part below 5 MiB but the last, nor one above 5 GiB, nor more than 10,000', () => {
    const huge: ByteSource = {
      ...source,
      size: 0,
      get origin() {
        return { root: huge, start: 0 };
      },
      slice: (start, end) => ({ ...huge, size: end - start, origin: { root: huge, start } }),
    };
    const pieces: Piece[] = [bytes(1), sourcePiece(huge.slice(0, 12 * 2 ** 40)), bytes(7 * MiB), bytes(3)];
    const parts = planParts(pieces, { copies: (root) => root === huge, partBytes: 8 * MiB });
    const sizes = parts.flatMap(partSizes);
    expect(sizes.length).toBeLessThanOrEqual(10_000);
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(5 * MiB);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5 * 2 ** 30);
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(1 + 12 * 2 ** 40 + 7 * MiB + 3);
  });

  it('says which bytes nobody held against a checksum: those it borrows, too', () => {
    const parts = planParts([bytes(10), range(0, 20 * MiB), bytes(5)], { copies, partBytes: 8 * MiB });
    expect(uncheckedRanges(parts)).toEqual([
      { start: 10, end: 5 * MiB },
      { start: 5 * MiB, end: 20 * MiB + 10 },
    ]);
  });
});

describe('the object', () => {
  const content = random(40 * MiB + 13);
  const setUp = async () => {
    const s3 = new MemoryS3();
    s3.put('in', 'a b+ü/m.pt2', content);
    const store = s3Store(s3.client());
    const source = await store.open('in', 'a b+ü/m.pt2');
    s3.log.length = 0;
    const assemble = (pieces: readonly Piece[]) =>
      store.assemble!({ bucket: 'out', key: 'model.onnx', pieces, tags: { job: 'x y' }, ...TYPE });
    return { s3, store, source, assemble };
  };

  it('is the bytes of its pieces, and is not there before it is published', async () => {
    const { s3, source, assemble } = await setUp();
    const computed: Piece = { byteLength: 3 * MiB, stored: null, read: () => Promise.resolve(random(3 * MiB)) };
    const pieces = [
      memoryPiece(random(100)),
      sourcePiece(source.slice(1000, 30 * MiB)),
      computed,
      { ...sourcePiece(source.slice(5, 12 * MiB)), mustRead: true },
      memoryPiece(random(7)),
    ];
    const made = await assemble(pieces);
    expect(s3.newest('out', 'model.onnx')).toBeUndefined();
    await made.publish();
    const expected = Buffer.concat([
      random(100),
      content.subarray(1000, 30 * MiB),
      random(3 * MiB),
      content.subarray(5, 12 * MiB),
      random(7),
    ]);
    const stored = s3.newest('out', 'model.onnx')!;
    expect(Buffer.compare(stored.bytes, expected)).toBe(0);
    expect(stored).toMatchObject({ contentType: TYPE.contentType, tagging: 'job=x+y' });
    expect(made).toMatchObject({ bytes: expected.length, sha256: null });
    expect(s3.copied).toBe(25 * MiB - 1000 + 100);
  });

  it('has a SHA-256 where nothing was copied, in one request where it is small', async () => {
    const { s3, assemble } = await setUp();
    for (const [size, operations] of [
      [1000, ['PutObject']],
      [20 * MiB, ['CreateMultipartUpload', 'UploadPart', 'UploadPart', 'UploadPart', 'CompleteMultipartUpload']],
    ] as const) {
      s3.log.length = 0;
      const made = await assemble([memoryPiece(random(size))]);
      await made.publish();
      expect(made.sha256).toBe(createHash('sha256').update(random(size)).digest('hex'));
      expect(s3.log).toEqual(operations);
    }
  });

  it('is a copy of a whole object at once, with the SHA-256 that S3 computes', async () => {
    const { s3, source, assemble } = await setUp();
    const made = await assemble([sourcePiece(source)]);
    await made.publish();
    expect(s3.log).toEqual(['CopyObject']);
    expect(made.sha256).toBe(createHash('sha256').update(content).digest('hex'));
    expect(Buffer.compare(s3.newest('out', 'model.onnx')!.bytes, content)).toBe(0);
  });

  it('is of the version that was opened, and refuses where that is gone', async () => {
    const { s3, source, assemble } = await setUp();
    s3.put('in', 'a b+ü/m.pt2', random(40 * MiB));
    await (await assemble([sourcePiece(source.slice(0, 20 * MiB))])).publish();
    expect(Buffer.compare(s3.newest('out', 'model.onnx')!.bytes, content.subarray(0, 20 * MiB))).toBe(0);
    s3.objects.delete('in/a b+ü/m.pt2');
    for (const pieces of [[sourcePiece(source)], [sourcePiece(source.slice(0, 20 * MiB)), memoryPiece(random(1))]])
      await expect(assemble(pieces)).rejects.toMatchObject({
        code: 'FileReplaced',
        details: { file: 's3://in/a b+ü/m.pt2' },
      });
    expect(s3.uploads.size).toBe(0);
  });

  it('is given up whole when a part fails, or when nobody wants it any more', async () => {
    const { s3, source, assemble } = await setUp();
    const pieces = [memoryPiece(random(20 * MiB)), sourcePiece(source.slice(0, 20 * MiB))];
    for (const operation of ['UploadPart', 'UploadPartCopy']) {
      s3.disturb = (_, asked) => (asked === operation ? failure(403, 'AccessDenied') : undefined);
      await expect(assemble(pieces)).rejects.toMatchObject({ code: 'AccessDenied', details: { doing: 'write' } });
    }
    s3.disturb = () => undefined;
    await (await assemble(pieces)).discard();
    expect([s3.uploads.size, s3.newest('out', 'model.onnx')]).toEqual([0, undefined]);
  });
});
