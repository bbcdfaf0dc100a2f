/**
 * Few bytes between ranges that are copied: they are put behind a range in an object of their own, so that nothing is
 * read to make a part large enough. The object is the bytes of its pieces, and nothing else is left.
 */
import { describe, expect, it } from 'vitest';
import { s3Store } from '../../functions/s3-store.ts';
import { bytesOf, type PlannedParts } from '../../functions/upload-parts.ts';
import { planParts } from '../../functions/upload-plan.ts';
import { type ByteSource, memorySource } from '../../shared/bytes/byte-source.ts';
import { memoryPiece, type Piece, sizeOf, sourcePiece } from '../../shared/bytes/destination.ts';
import { openZip } from '../../shared/bytes/zip.ts';
import { buildZip } from '../bytes/zip-builder.ts';
import { failure, MemoryS3 } from './memory-s3.ts';
import { partSizes } from './part-sizes.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

/** Numbers that are the same every time. */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const random = (size: number, seed = 1): Uint8Array => {
  const next = sequence(seed);
  return Uint8Array.from({ length: size }, () => next(256));
};

describe('the plan', () => {
  const huge = (size: number): ByteSource => {
    const root: ByteSource = {
      name: 'huge',
      size,
      get origin() {
        return { root, start: 0 };
      },
      slice: (start, end) => slice(start, end),
      read: () => Promise.reject(new Error('too large')),
    };
    const slice = (start: number, end: number): ByteSource => ({
      ...root,
      size: end - start,
      origin: { root, start },
      slice: (from, to) => slice(start + from, start + to),
    });
    return root;
  };
  const model = huge(2 ** 42);
  const copies = (root: ByteSource): boolean => root === model;
  const bytes = (size: number): Piece => ({ byteLength: size, stored: null, read: () => Promise.reject(new Error()) });
  /** Weights that do not follow each other, as numbers of MiB; `b10` are ten bytes. */
  const piecesOf = (text: string): Piece[] => {
    let at = 0;
    return text.split(' ').map((word) => {
      const [, isBytes, number, unit = ''] = /^(b?)([\d.]+)(M?!?)$/.exec(word)!;
      const size = Number(number) * (isBytes && !unit ? 1 : MiB);
      if (isBytes) return bytes(size);
      const piece = sourcePiece(model.slice(at, at + size));
      at += size + 1;
      return unit === '!' ? { ...piece, mustRead: true } : piece;
    });
  };
  const short = (size: number): string => (size >= MiB && size % MiB === 0 ? `${size / MiB}` : `b${size}`);
  const told = (part: PlannedParts): string =>
    part.kind === 'upload'
      ? `up ${part.pieces.map((piece) => short(piece.byteLength)).join('+')}`
      : part.kind === 'copy'
        ? short(part.source.size)
        : `[${part.before.length ? `${short(sizeOf(part.before))} ` : ''}${short(part.source.size)}${part.after.length ? ` ${short(sizeOf(part.after))}` : ''}]`;
  const plan = (pieces: readonly Piece[], bridges = true): readonly PlannedParts[] =>
    planParts(pieces, { copies, partBytes: 8 * MiB, bridges });

  it.each([
    ['weights with few bytes between them', 'b10 20 b20 20 b30', '[b10 5] 10 [5 b20] 20 up b30'],
    ['of 5 to 10 MiB, which are bridged whole', 'b10 6 b20 9 b30 30', '[b10 6 b20] [9 b30] 30'],
    ['of 10 to 15 MiB, whose ends are bridged both', 'b10 12 b20 30', '[b10 5] [7 b20] 30'],
    ['below 5 MiB, which are read', 'b10 20 4 20 2 b10', '[b10 5] 10 [5 4] 20 up 2+b10'],
    ['with more than 5 MiB between them', 'b10 20 b6M 20', '[b10 5] 15 up 6 20'],
    ['of which one must be read', 'b10 20 5! 20 b5 10', '[b10 5] 15 up 5 15 [5 b5] 10'],
    ['right behind each other, of two places', '20 20 b9', '20 20 up b9'],
    ['of a small object', 'b1M 14 b1M 14', 'up 1+4 10 up 1+4 10'],
    ['where reading costs nothing', 'b1M 200 b10', 'up 1+4 196 up b10'],
    [
      'of which one is large',
      'b10 610 b8 20 b8 20 b8 20 b8 20',
      '[b10 5] 200 200 200 [5 b8] 15 [5 b8] 15 [5 b8] 15 [5 b8] 20',
    ],
  ])('%s', (_, pieces, expected) => {
    const found = plan(piecesOf(pieces));
    expect(found.map(told).join(' ')).toBe(expected);
  });

  it('reads where there is no place for bridges', () => {
    expect(plan(piecesOf('b10 20 b20 20 b30'), false).some(({ kind }) => kind === 'bridge')).toBe(false);
  });

  it('is the pieces in their order, in parts that S3 takes', () => {
    const next = sequence(7);
    const sizes = [1, 100, 4 * MiB, 5 * MiB, 5 * MiB + 1, 9 * MiB, 16 * MiB, 300 * MiB, 6 * GiB];
    let bridges = 0;
    for (let round = 0; round < 1000; round++) {
      let at = next(1000);
      const pieces = Array.from({ length: 1 + next(12) }, (): Piece => {
        // Ranges of gigabytes make what is read between them too little to bridge.
        const size = sizes[next(round % 2 ? sizes.length : sizes.length - 2)]! + next(2);
        if (next(2)) return bytes(sizes[next(6)]! / 4);
        const piece = sourcePiece(model.slice(at, at + size));
        at += size + next(2);
        return next(5) ? piece : { ...piece, mustRead: true };
      });
      const found = plan(pieces);
      const parts = found.flatMap(partSizes);
      expect(Math.min(...parts.slice(0, -1), Infinity)).toBeGreaterThanOrEqual(5 * MiB);
      expect(Math.max(...parts)).toBeLessThanOrEqual(5 * GiB);
      for (const part of found) if (part.kind === 'bridge') expect(part.source.size).toBeGreaterThanOrEqual(5 * MiB);
      const given = found.flatMap((part): Piece[] =>
        part.kind === 'upload'
          ? [...part.pieces]
          : part.kind === 'copy'
            ? [sourcePiece(part.source)]
            : [...part.before, sourcePiece(part.source), ...part.after],
      );
      expect(joined(given)).toEqual(joined(pieces));
      expect(found.reduce((sum, part) => sum + bytesOf(part), 0)).toBe(sizeOf(pieces));
      bridges += found.filter(({ kind }) => kind === 'bridge').length;
    }
    expect(bridges).toBeGreaterThan(100);
  });

  /** What the pieces are: ranges of the model that follow each other are one, other bytes are their number. */
  function joined(pieces: readonly Piece[]): (readonly [start: number, end: number])[] {
    const found: [number, number][] = [];
    for (const { stored, byteLength } of pieces) {
      const start = stored ? stored.origin.start : -1;
      const last = found.at(-1);
      if (stored && last?.[1] === start) last[1] += byteLength;
      else if (byteLength) found.push([start, stored ? start + byteLength : byteLength]);
    }
    return found;
  }
});

interface Made {
  readonly s3: MemoryS3;
  readonly model: ByteSource;
  readonly assemble: (pieces: readonly Piece[]) => ReturnType<NonNullable<ReturnType<typeof s3Store>['assemble']>>;
}

async function setUp(content: Uint8Array, options: { checksums?: boolean } = {}): Promise<Made> {
  const s3 = new MemoryS3(options);
  s3.put('in', 'm.pt2', content);
  const store = s3Store(s3.client());
  const model = await store.open('in', 'm.pt2');
  const target = { bucket: 'out', key: 'model.onnx', contentType: 'application/octet-stream', tags: { job: 'x' } };
  const scratch = { bucket: 'work', prefix: 'parts/j/' };
  return { s3, model, assemble: (pieces) => store.assemble!({ ...target, pieces, scratch }) };
}

/** Nothing but the model, and what was made of it. */
const names = ({ objects, uploads }: MemoryS3): string[] => [...objects.keys(), ...uploads.keys()].toSorted();

describe('the object', () => {
  const content = random(60 * MiB + 13);
  const written = (pieces: readonly Piece[]): Promise<Buffer> =>
    Promise.all(pieces.map((piece) => piece.read())).then((all) => Buffer.concat(all));
  const weights = (model: ByteSource): Piece[] => {
    const range = (start: number, end: number): Piece => sourcePiece(model.slice(start, end));
    return [
      memoryPiece(random(100, 2)),
      range(7, 8 * MiB),
      memoryPiece(random(200, 3)),
      // Equal weights are the same range twice.
      range(7, 8 * MiB),
      range(9 * MiB, 10 * MiB),
      range(11 * MiB, 36 * MiB),
      memoryPiece(random(4 * MiB, 4)),
      range(40 * MiB, 60 * MiB + 13),
      memoryPiece(random(50, 5)),
    ];
  };

  it('is that of plain writing, and reads no weight that can be a part', async () => {
    const { s3, model, assemble } = await setUp(content);
    const pieces = weights(model);
    const expected = await written(weights(memorySource('the model', content)));
    let read = 0;
    s3.disturb = ({ headers }) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers['range'] ?? '') ?? [];
      if (to !== undefined) read += Number(to) - Number(from) + 1;
      return undefined;
    };
    const made = await assemble(pieces);
    // A weight of 1 MiB, by blocks.
    expect(read).toBeGreaterThanOrEqual(MiB);
    expect(read).toBeLessThan(1.1 * MiB);
    expect(names(s3)).toEqual(['in/m.pt2', expect.stringMatching(/^upload-/)]);
    await made.publish();
    expect(names(s3)).toEqual(['in/m.pt2', 'out/model.onnx']);
    expect(Buffer.compare(s3.newest('out', 'model.onnx')!.bytes, expected)).toBe(0);
    expect(s3.newest('out', 'model.onnx')!.tagging).toBe('job=x');
  });

  it('whichever request fails, is not there, nor anything it would have been made of', async () => {
    const small = content.subarray(0, 34 * MiB);
    const three = (model: ByteSource): Piece[] =>
      [6, 9, 18].flatMap((size) => [memoryPiece(random(99, size)), sourcePiece(model.slice(MiB, (1 + size) * MiB))]);
    let requests = Infinity;
    for (let n = 0; n <= requests; n++) {
      const { s3, model, assemble } = await setUp(small);
      const asked: string[] = [];
      s3.disturb = (_, operation) =>
        operation !== 'DeleteObjects' && asked.push(operation) === n ? failure(403, 'AccessDenied') : undefined;
      const assembled = assemble(three(model));
      if (n === 0) {
        await (await assembled).discard();
        // The last is the end that was just put to it.
        requests = asked.length - 1;
        expect(asked.filter((operation) => operation === 'UploadPartCopy').length).toBeGreaterThan(3);
      } else await expect(assembled, `request ${n}`).rejects.toMatchObject({ code: 'AccessDenied' });
      expect(names(s3), `request ${n}`).toEqual(['in/m.pt2']);
    }
  });

  it('is refused when nobody wants it any more', async () => {
    const { s3, model } = await setUp(content);
    const stop = new AbortController();
    s3.disturb = (_, operation) =>
      (operation === 'UploadPartCopy' ? stop.abort(new Error('no time')) : undefined) as undefined;
    const scratch = { bucket: 'work', prefix: 'parts/j/' };
    const target = { bucket: 'out', key: 'model.onnx', contentType: 'x/y', scratch, signal: stop.signal };
    await expect(s3Store(s3.client()).assemble!({ ...target, pieces: weights(model) })).rejects.toThrow('no time');
    expect(names(s3)).toEqual(['in/m.pt2']);
  });
});

describe('a record of an archive that is copied', () => {
  const data = [random(14 * MiB, 1), random(11 * MiB, 2), random(12 * MiB, 3)];
  const archive = buildZip(data.map((bytes, i) => ({ name: `w${i}`, data: bytes })));
  const damaged = Buffer.from(archive);
  damaged[30 * MiB]! ^= 1;

  async function pieces(model: ByteSource): Promise<Piece[]> {
    const zip = await openZip(model);
    const records = await Promise.all(['w0', 'w1', 'w2'].map((name) => zip.get(name)!.slice()));
    const halves = [records[1]!.slice(0, 6 * MiB), records[1]!.slice(6 * MiB, 11 * MiB)];
    const all = [records[0]!, ...halves, records[2]!];
    return all.flatMap((record) => [memoryPiece(random(9, record.size)), sourcePiece(record)]);
  }

  it('is confirmed by what S3 computed of its parts', async () => {
    const { model, assemble } = await setUp(archive);
    expect((await assemble(await pieces(model))).unchecked).toEqual([]);
  });

  it('is refused where it is damaged, and nothing is made of it', async () => {
    const { s3, model, assemble } = await setUp(damaged);
    await expect(assemble(await pieces(model))).rejects.toMatchObject({
      code: 'CorruptArchive',
      details: { file: 's3://in/m.pt2', reason: expect.stringMatching(/^record "w2" is damaged: its CRC-32 is/) },
    });
    expect(names(s3)).toEqual(['in/m.pt2']);
  });

  it('is left to who reads it where S3 says nothing', async () => {
    const { model, assemble } = await setUp(damaged, { checksums: false });
    const { unchecked } = await assemble(await pieces(model));
    const bytes = unchecked.reduce((sum, { start, end }) => sum + end - start, 0);
    expect(bytes).toBe(37 * MiB);
  });

  it('is confirmed where a part of it was read to fill another one', async () => {
    const { model, assemble } = await setUp(archive);
    const [first, record] = await pieces(model);
    expect((await assemble([first!, record!])).unchecked).toEqual([]);
    const bad = await setUp(damaged);
    const last = (await pieces(bad.model)).slice(-2);
    await expect(bad.assemble(last)).rejects.toMatchObject({ code: 'CorruptArchive' });
  });

  it('is left to who reads it where only a part of it goes in', async () => {
    const { model, assemble } = await setUp(archive);
    const [head, , name, half] = await pieces(model);
    const { unchecked } = await assemble([head!, sourcePiece(model.slice(0, 32 * MiB)), name!, half!]);
    expect(unchecked.length).toBeGreaterThan(0);
  });
});
