/** What every ByteSource keeps: memory, file and object store run the same suite. */
import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../../shared/bytes/byte-source.ts';
import { isFailure } from '../../shared/errors.ts';

/** 10,000 bytes whose value tells their place. */
export const CONTENT = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

/** `open` gives a source of CONTENT; `empty` one without bytes. */
export function byteSourceContract(
  name: string,
  open: () => Promise<ByteSource>,
  empty: () => Promise<ByteSource>,
): void {
  describe(`${name} is a byte source`, () => {
    test('reads everything', async () => {
      const source = await open();
      expect(source.size).toBe(CONTENT.length);
      expect([...(await source.read())]).toEqual([...CONTENT]);
    });

    test.each([
      [0, 0],
      [0, 1],
      [9_999, 10_000],
      [10_000, 10_000],
      [123, 4_567],
      [0, 10_000],
    ])('slice %i to %i', async (start, end) => {
      const slice = (await open()).slice(start, end);
      expect(slice.size).toBe(end - start);
      expect([...(await slice.read())]).toEqual([...CONTENT.subarray(start, end)]);
    });

    test('a slice of a slice counts from its own start', async () => {
      const slice = (await open()).slice(1_000, 2_000).slice(10, 20);
      expect([...(await slice.read())]).toEqual([...CONTENT.subarray(1_010, 1_020)]);
    });

    test('a slice knows where it lies in the whole', async () => {
      const source = await open();
      const slice = source.slice(1_000, 2_000).slice(10, 20);
      expect(slice.origin.start).toBe(1_010);
      expect(slice.origin.root).toBe(source);
      expect(source.origin).toEqual({ root: source, start: 0 });
      expect([...(await slice.origin.root.slice(1_010, 1_020).read())]).toEqual([...(await slice.read())]);
    });

    test('slices read at the same time do not disturb each other', async () => {
      const source = await open();
      const starts = Array.from({ length: 20 }, (_, i) => i * 400);
      const parts = await Promise.all(starts.map((start) => source.slice(start, start + 350).read()));
      parts.forEach((part, i) => expect([...part]).toEqual([...CONTENT.subarray(starts[i]!, starts[i]! + 350)]));
    });

    test.each([
      [-1, 5],
      [5, 4],
      [0, 10_001],
      [10_001, 10_002],
      [Number.NaN, 5],
      [0, Number.NaN],
    ])('refuses a slice from %d to %d', async (start, end) => {
      const source = await open();
      expect(() => source.slice(start, end)).toThrow(expect.objectContaining({ name: 'CorruptArchive' }));
    });

    test('a slice cannot reach outside itself', async () => {
      const slice = (await open()).slice(100, 200);
      try {
        slice.slice(50, 101);
        expect.unreachable();
      } catch (error) {
        expect(isFailure(error, 'CorruptArchive')).toBe(true);
      }
    });

    test('an empty source reads as no bytes', async () => {
      const source = await empty();
      expect(source.size).toBe(0);
      expect((await source.read()).length).toBe(0);
      expect((await source.slice(0, 0).read()).length).toBe(0);
    });
  });
}
