/** The opcodes of pickle protocols 0 to 5, each as what it does to the machine. */
import { latin1Text, utf8Text } from '../bytes/text.ts';
import type { PickleMachine } from './pickle.ts';
import { Tuple } from './pickle-values.ts';

export const STOP = 0x2e;

type Opcode = (m: PickleMachine) => void;

const text = (m: PickleMachine): string => {
  const value = m.pop();
  return typeof value === 'string' ? value : m.refuse('a name is no text');
};
const copied = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);
const tuple =
  (count: number): Opcode =>
  (m) => {
    const items = Array.from({ length: count }, () => m.pop()).reverse();
    m.push(new Tuple(items));
  };
/** Old integers: `I01` and `I00` are the booleans. */
const oldInteger: Opcode = (m) => {
  const line = m.line();
  m.push(line === '01' ? true : line === '00' ? false : m.decimal(line));
};
const NON_FINITE: ReadonlyMap<string, number> = new Map([
  ['inf', Infinity],
  ['-inf', -Infinity],
  ['nan', Number.NaN],
]);
const oldFloat = (m: PickleMachine): number => {
  const line = m.line();
  return /^[-+\d.eE]+$/.test(line) ? Number(line) : (NON_FINITE.get(line) ?? m.refuse('a number is not readable'));
};
/** Python 2 strings: text where it is text, else bytes. */
const quoted: Opcode = (m) => {
  const line = m.line();
  const inner = /^(['"])(.*)\1$/.exec(line)?.[2] ?? m.refuse('a string is not quoted');
  m.push(
    inner.replace(/\\(x[\da-fA-F]{2}|.)/g, (_, code: string) =>
      code.startsWith('x') ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (ESCAPES[code] ?? code),
    ),
  );
};
/** Python's raw-unicode-escape. */
const unescaped = (line: string): string =>
  line.replace(
    /\\u([\da-fA-F]{4})|\\U00(0[\da-fA-F]|10)([\da-fA-F]{4})/g,
    (_, ...[short, high, low]: readonly (string | undefined)[]) =>
      String.fromCodePoint(Number.parseInt(short ?? `${high}${low}`, 16)),
  );
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
const extension: Opcode = (m) => void m.unsafe('an extension code of copyreg');

/** By their byte. Those of out-of-band buffers have no place in a file. */
export const OPCODES: Readonly<Record<number, Opcode>> = {
  0x80: (m) => void m.bytes(1), // PROTO
  0x95: (m) => void m.bytes(8), // FRAME
  0x28: (m) => m.mark(), // MARK
  0x30: (m) => m.discard(), // POP
  0x31: (m) => void m.popMark(), // POP_MARK
  0x32: (m) => m.push(m.top()), // DUP
  0x4e: (m) => m.push(null), // NONE
  0x88: (m) => m.push(true), // NEWTRUE
  0x89: (m) => m.push(false), // NEWFALSE
  0x49: oldInteger, // INT
  0x4c: (m) => m.push(m.decimal(m.line())), // LONG
  0x4a: (m) => m.push(m.int32()), // BININT
  0x4b: (m) => m.push(m.byte()), // BININT1
  0x4d: (m) => m.push(m.uint16()), // BININT2
  0x8a: (m) => m.push(m.long(m.byte())), // LONG1
  0x8b: (m) => m.push(m.long(m.uint32())), // LONG4
  0x46: (m) => m.push(oldFloat(m)), // FLOAT
  0x47: (m) => m.push(m.float64()), // BINFLOAT
  0x53: quoted, // STRING
  0x54: (m) => m.push(latin1Text(m.bytes(m.uint32()))), // BINSTRING
  0x55: (m) => m.push(latin1Text(m.bytes(m.byte()))), // SHORT_BINSTRING
  0x56: (m) => m.push(unescaped(m.line())), // UNICODE
  0x58: (m) => m.push(utf8Text(m.bytes(m.uint32()))), // BINUNICODE
  0x8c: (m) => m.push(utf8Text(m.bytes(m.byte()))), // SHORT_BINUNICODE
  0x8d: (m) => m.push(utf8Text(m.bytes(m.size64()))), // BINUNICODE8
  0x42: (m) => m.push(copied(m.bytes(m.uint32()))), // BINBYTES
  0x43: (m) => m.push(copied(m.bytes(m.byte()))), // SHORT_BINBYTES
  0x8e: (m) => m.push(copied(m.bytes(m.size64()))), // BINBYTES8
  0x96: (m) => m.push(copied(m.bytes(m.size64()))), // BYTEARRAY8
  0x29: (m) => m.push(new Tuple([])), // EMPTY_TUPLE
  0x74: (m) => m.push(new Tuple(m.popMark())), // TUPLE
  0x85: tuple(1), // TUPLE1
  0x86: tuple(2), // TUPLE2
  0x87: tuple(3), // TUPLE3
  0x5d: (m) => m.push([]), // EMPTY_LIST
  0x6c: (m) => m.push(m.popMark()), // LIST
  0x61: (m) => {
    const value = m.pop();
    m.append([value]);
  }, // APPEND
  0x65: (m) => m.append(m.popMark()), // APPENDS
  0x7d: (m) => m.push(new Map()), // EMPTY_DICT
  0x64: (m) => {
    const values = m.popMark();
    m.push(new Map());
    m.setItems(values);
  }, // DICT
  0x73: (m) => {
    const value = m.pop();
    const key = m.pop();
    m.setItems([key, value]);
  }, // SETITEM
  0x75: (m) => m.setItems(m.popMark()), // SETITEMS
  0x8f: (m) => m.push(new Set()), // EMPTY_SET
  0x90: (m) => m.addItems(m.popMark()), // ADDITEMS
  0x91: (m) => m.push(new Set(m.popMark())), // FROZENSET
  0x70: (m) => m.put(Number(m.line())), // PUT
  0x71: (m) => m.put(m.byte()), // BINPUT
  0x72: (m) => m.put(m.uint32()), // LONG_BINPUT
  0x94: (m) => m.memoize(), // MEMOIZE
  0x67: (m) => m.get(Number(m.line())), // GET
  0x68: (m) => m.get(m.byte()), // BINGET
  0x6a: (m) => m.get(m.uint32()), // LONG_BINGET
  0x63: (m) => {
    const module = m.line();
    m.global(module, m.line());
  }, // GLOBAL
  0x93: (m) => {
    const name = text(m);
    m.global(text(m), name);
  }, // STACK_GLOBAL
  0x52: (m) => {
    const args = m.pop();
    m.call(m.pop(), args);
  }, // REDUCE
  0x69: (m) => {
    const module = m.line();
    const name = m.line();
    const args = m.popMark();
    m.global(module, name);
    m.call(m.pop(), new Tuple(args));
  }, // INST
  0x6f: (m) => {
    const [type, ...args] = m.popMark();
    m.call(type ?? null, new Tuple(args));
  }, // OBJ
  0x81: (m) => {
    const args = m.pop();
    m.create(m.pop(), args);
  }, // NEWOBJ
  0x92: (m) => {
    m.pop();
    const args = m.pop();
    m.create(m.pop(), args);
  }, // NEWOBJ_EX
  0x62: (m) => m.build(), // BUILD
  0x50: (m) => m.persistent(m.line()), // PERSID
  0x51: (m) => m.persistent(m.pop()), // BINPERSID
  0x82: extension, // EXT1
  0x83: extension, // EXT2
  0x84: extension, // EXT4
};
