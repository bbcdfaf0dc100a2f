/** Pickles written by Python itself (`pickles.json`, `unsafe-pickles.json`), and some no Python would write. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isFailure } from '../../shared/errors.ts';
import { PickleMachine, PICKLE_LIMITS } from '../../shared/torch/pickle.ts';
import { Global, OpaqueObject, type PickleValue, Tuple } from '../../shared/torch/pickle-values.ts';
import { pickleOptions } from '../../shared/torch/state-dict.ts';

const json = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as T;
const load = (bytes: Uint8Array, onUnknownCall?: (name: string) => void): PickleValue =>
  new PickleMachine(
    bytes,
    pickleOptions({ file: 'model.pt', where: 'data.pkl', ...(onUnknownCall ? { onUnknownCall } : {}) }, new Map()),
  ).run();

/** The value in the form of the JSON files. */
function plain(value: PickleValue): unknown {
  if (typeof value === 'bigint') return { bigint: String(value) };
  if (value instanceof Tuple) return { tuple: value.items.map(plain) };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (value instanceof Set) return { set: [...value].map(plain) };
  if (value instanceof Map) return { dict: [...value].map(([k, v]) => [plain(k), plain(v)]) };
  if (Array.isArray(value)) return value.map(plain);
  return value;
}

/** Python's floats are numbers here. */
const expected = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(expected);
  if (typeof value !== 'object' || value === null) return value;
  if ('float' in value) return value.float === 'inf' ? Infinity : Number(value.float);
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, expected(v)]));
};

describe('Python wrote', () => {
  test.each(json<{ name: string; hex: string; value: unknown }[]>('pickles.json'))('$name', ({ hex, value }) => {
    expect(plain(load(Buffer.from(hex, 'hex')))).toEqual(expected(value));
  });

  test('one object twice: it is one object here too', () => {
    // [x, x] with x = [9], protocol 2.
    const [a, b] = load(Buffer.from('80025d7100285d71014b09616801652e', 'hex')) as PickleValue[];
    expect(a).toEqual([9]);
    expect(a).toBe(b);
  });
});

describe('calls that are not allowed', () => {
  test.each(json<{ name: string; hex: string }[]>('unsafe-pickles.json'))('$name', ({ name, hex }) => {
    try {
      load(Buffer.from(hex, 'hex'));
      expect.unreachable();
    } catch (error) {
      expect(isFailure(error, 'UnsafePickle')).toBe(true);
      // posix.system is os.system by its real name; builtins are named __builtin__ by old protocols.
      const last = name.split(',')[0]!.split('.').at(-1)!;
      expect(isFailure(error, 'UnsafePickle') && error.details.global.split('.').at(-1)).toBe(last);
    }
  });

  const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
  const forms: readonly (readonly [string, Buffer])[] = [
    ['REDUCE', ascii("cos\nsystem\n(S'id'\ntR.")],
    ['INST', ascii("(S'id'\nios\nsystem\n.")],
    ['OBJ', ascii("(cos\nsystem\nS'id'\no.")],
    ['NEWOBJ', ascii('\x80\x02cos\nsystem\n)\x81.')],
    ['NEWOBJ_EX', ascii('\x80\x04cos\nsystem\n)}\x92.')],
    ['STACK_GLOBAL', ascii('\x80\x04\x8c\x02os\x8c\x06system\x93)R.')],
    ['a name through the memo', ascii('\x80\x02cos\nsystem\nq\x000h\x00)R.')],
    ['an extension code', ascii('\x80\x02\x82\x01)R.')],
    ['a module under another name', ascii("cposix\nsystem\n(S'id'\ntR.")],
    ['a function inside an allowed module', ascii('ctorch._utils\n_import_dotted_name\n)R.')],
    ['a name of the table in another module', ascii('cos\nOrderedDict\n)R.')],
    ['an attribute path', ascii('\x80\x04\x8c\x05torch\x8c\x09os.system\x93)R.')],
    ['a name of JavaScript', ascii('c__proto__\nconstructor\n)R.')],
    ['another name of JavaScript', ascii('ctorch\nconstructor\n)R.')],
  ];
  test.each(forms)('by %s', (_, bytes) =>
    expect(() => load(bytes)).toThrow(expect.objectContaining({ name: 'UnsafePickle' })),
  );

  test('a name alone does nothing', () => expect(load(ascii('cos\nsystem\n.'))).toEqual(new Global('os', 'system')));

  test('an object of an unknown class is a closed box', () => {
    const box = load(ascii('\x80\x02cmy.pkg\nNet\n)\x81}U\x01aK\x05sb.'));
    expect(box).toBeInstanceOf(OpaqueObject);
    expect((box as OpaqueObject).className).toBe('my.pkg.Net');
    expect((box as OpaqueObject).state).toEqual(new Map([['a', 5]]));
  });

  test('a reader may collect them instead', () => {
    const called: string[] = [];
    expect(load(ascii('cmy\nEnum\n(K\x01tR.'), (name) => called.push(name))).toBeInstanceOf(OpaqueObject);
    expect(called).toEqual(['my.Enum']);
  });
});

describe('nonsense is refused', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['nothing', '', 'CorruptModel'],
    ['no end', '4e', 'CorruptModel'],
    ['an end without a value', '2e', 'CorruptModel'],
    ['an unknown opcode', 'ff', 'CorruptModel'],
    ['out-of-band buffers', '972e', 'CorruptModel'],
    ['a string longer than the file', '58ffffffff41', 'CorruptModel'],
    ['a string of 2^63 bytes', '8d0000000000000080', 'CorruptModel'],
    ['an integer of 4 GiB', '8bffffffff', 'LimitExceeded'],
    ['a value that was never kept', '6805', 'CorruptModel'],
    ['a tuple without a mark', '4e742e', 'CorruptModel'],
    ['an odd dictionary', '284e642e', 'CorruptModel'],
    ['a key set on a number', '4b014b024b03732e', 'CorruptModel'],
    ['an append to a number', '4b014b02612e', 'CorruptModel'],
    ['a call of a number', '4b0129522e', 'CorruptModel'],
    ['a call without arguments', '636d0a660a4e522e', 'CorruptModel'],
    ['state of a number', '4b017d622e', 'CorruptModel'],
    ['a storage that is no storage', '4b01512e', 'CorruptModel'],
  ];
  test.each(cases)('%s', (_, hex, code) =>
    expect(() => load(Buffer.from(hex, 'hex'))).toThrow(expect.objectContaining({ name: code })),
  );

  test('more opcodes than the limit', () => {
    const bytes = Buffer.alloc(PICKLE_LIMITS.opcodes + 10, 'N0');
    expect(() => load(bytes)).toThrow(expect.objectContaining({ name: 'LimitExceeded' }));
  });

  test('marks without end', () =>
    expect(() => load(Buffer.alloc(1_000_000, '('))).toThrow(expect.objectContaining({ name: 'LimitExceeded' })));

  test('a stack without end', () =>
    expect(() => load(Buffer.alloc(3_000_000, 'N'))).toThrow(expect.objectContaining({ name: 'LimitExceeded' })));
});
