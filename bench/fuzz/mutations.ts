/** Kinds of damage, each a function of bytes and chance. What fits no file of the kind returns it as it is. */
import { memorySource } from '../../shared/bytes/byte-source.ts';
import { zipBytes } from '../../shared/bytes/zip-write.ts';
import { openZip } from '../../shared/bytes/zip.ts';
import type { Random } from '../../shared/runtime/random-inputs.ts';

export type Mutate = (bytes: Buffer, random: Random) => Buffer | Promise<Buffer>;

const below = (n: number, random: Random): number => Math.floor(random() * n);
const pick = <T>(items: readonly T[], random: Random): T => items[below(items.length, random)]!;

const bitFlips: Mutate = (bytes, random) => {
  const flipped = Buffer.from(bytes);
  for (let n = 1 + below(8, random); n > 0; n--) flipped[below(flipped.length, random)]! ^= 1 << below(8, random);
  return flipped;
};

const truncation: Mutate = (bytes, random) => Buffer.from(bytes.subarray(0, below(bytes.length, random)));

/** Numbers of the directory and of the records' own headers: sizes, offsets, methods, lengths of names. */
const zipDirectory: Mutate = (bytes, random) => {
  const damaged = Buffer.from(bytes);
  const starts = ['PK\x01\x02', 'PK\x03\x04', 'PK\x05\x06'].flatMap((mark) => indexesOf(damaged, mark));
  if (starts.length === 0) return bitFlips(bytes, random);
  const at = Math.min(pick(starts, random) + 4 + below(42, random), damaged.length - 1);
  damaged[at] = pick([0, 1, 0x7f, 0x80, 0xff, below(256, random)], random);
  return damaged;
};

const NONSENSE: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1e18,
  0.5,
  '',
  'x',
  '\u0000',
  [],
  {},
  [[[]]],
  'a'.repeat(5000),
];

/** A value of a JSON document replaced, removed, doubled or nested; in an archive the checksum is right again. */
const jsonField: Mutate = (bytes, random) =>
  inRecord(bytes, /\.json$/, (record) => {
    const document = JSON.parse(record.toString('utf8')) as unknown;
    const places: [object, string][] = [];
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const key of Object.keys(value)) {
        places.push([value, key]);
        walk((value as Record<string, unknown>)[key]);
      }
    };
    walk(document);
    const [holder, key] = pick(places, random);
    const target = holder as Record<string, unknown>;
    const old = target[key];
    const nested = (depth: number): unknown => Array.from({ length: depth }).reduce((inner) => [inner], old);
    pick(
      [
        () => (target[key] = pick(NONSENSE, random)),
        () => Reflect.deleteProperty(target, key),
        () => (target[`${key}x`] = old),
        () => (target[key] = nested(300)),
      ],
      random,
    )();
    return Buffer.from(JSON.stringify(document));
  });

/** Opcodes and text of pickles, headers of arrays; the checksum is right again. */
const pickle: Mutate = (bytes, random) =>
  inRecord(bytes, /\.(?:pkl|npy)$|(?:sample_inputs|weights)\/[^/]*\.pt$/, (record) => {
    const damaged = Buffer.from(record);
    for (let n = 1 + below(3, random); n > 0; n--)
      damaged[below(Math.min(damaged.length, 256), random)] = below(256, random);
    return damaged;
  });

/** Bytes put in, left out or replaced: tags, wire types and lengths of fields then mean something else. */
const protobuf: Mutate = (bytes, random) => {
  const at = below(bytes.length, random);
  const some = Buffer.from(Array.from({ length: 1 + below(4, random) }, () => below(256, random)));
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  return pick(
    [
      () => Buffer.concat([before, some, after]),
      () => Buffer.concat([before, after.subarray(some.length)]),
      () => Buffer.concat([before, some, after.subarray(some.length)]),
    ],
    random,
  )();
};

const HUGE = ['1000000000000', '4611686018427387904', '99999999999999999999', '2147483648'];

/** A number of a text becomes absurd; in other bytes a varint of 63 bits stands somewhere. */
const hugeSizes: Mutate = async (bytes, random) => {
  const made = await inRecord(bytes, /\.(?:json|npy)$/, (record) => {
    const text = record.toString('latin1');
    const head = text.startsWith('\x93NUMPY') ? text.slice(0, 128) : text;
    const numbers = [...head.matchAll(/(?<=[[(:, ])\d+(?=[,)\]} ])/g)];
    if (numbers.length === 0) return record;
    const { index, 0: found } = pick(numbers, random);
    const huge = pick(HUGE, random);
    const rest = text.slice(index + found.length);
    // The header of an array has a fixed length, filled up with spaces.
    const fitting = head === text ? rest : rest.replace(' '.repeat(huge.length - found.length), '');
    return Buffer.from(text.slice(0, index) + huge + fitting, 'latin1');
  });
  if (made !== bytes) return made;
  const at = below(bytes.length, random);
  const varint = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
  return Buffer.concat([bytes.subarray(0, at), varint, bytes.subarray(at + 1)]);
};

/** `keepsContent`: a checksum or the length tells, so what is still read has to be what was written. */
export const MUTATIONS = {
  'bit flips': { mutate: bitFlips, keepsContent: true },
  truncation: { mutate: truncation, keepsContent: true },
  'zip directory': { mutate: zipDirectory, keepsContent: true },
  'JSON field': { mutate: jsonField, keepsContent: false },
  pickle: { mutate: pickle, keepsContent: false },
  protobuf: { mutate: protobuf, keepsContent: false },
  'huge sizes': { mutate: hugeSizes, keepsContent: false },
} as const satisfies Record<string, { readonly mutate: Mutate; readonly keepsContent: boolean }>;
export type Mutation = keyof typeof MUTATIONS;
export const MUTATION_NAMES = Object.keys(MUTATIONS) as readonly Mutation[];

/** One record of an archive, or the whole of another file, changed; the same bytes where no record is of that name. */
async function inRecord(bytes: Buffer, names: RegExp, change: (record: Buffer) => Buffer): Promise<Buffer> {
  if (bytes.toString('latin1', 0, 2) !== 'PK') return bytes[0] === 0x7b ? change(bytes) : bytes;
  const { entries } = await openZip(memorySource('intact', bytes));
  const records = await Promise.all(
    entries.map(async (entry) => [entry.name, Buffer.from(await (await entry.slice()).read())] as const),
  );
  const sizes = records.map(([name, record]) => (names.test(name) ? record.length : 0));
  const largest = sizes.indexOf(Math.max(...sizes));
  if (!sizes[largest]) return bytes;
  return Buffer.from(zipBytes(records.map(([name, record], i) => [name, i === largest ? change(record) : record])));
}

function indexesOf(bytes: Buffer, mark: string): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(mark, 0, 'latin1'); at >= 0; at = bytes.indexOf(mark, at + 1, 'latin1')) found.push(at);
  return found;
}
