/** A pickle machine that never runs anything: it builds plain data, and calls only what a table allows. */
import { fail } from '../errors.ts';
import { Global, OpaqueObject, type PickleValue, Rebuilt, Tuple } from './pickle-values.ts';

/** Far above real checkpoints of 100,000 tensors; a hostile file is stopped within a second. */
export const PICKLE_LIMITS = { bytes: 128 * 1024 * 1024, opcodes: 5_000_000, memo: 2_000_000, stack: 2_000_000, longBytes: 256, marks: 10_000 } as const;

/** A global a file may use: a function over plain data, or a value. */
export type AllowedGlobal = { readonly call: (args: readonly PickleValue[], refuse: (reason: string) => never) => PickleValue } | { readonly value: PickleValue };

export interface PickleOptions {
  /** The model file, and the record of it that is read, for messages. */
  readonly file: string;
  readonly where: string;
  readonly globals: (module: string, name: string) => AllowedGlobal | null;
  readonly persistentLoad: (id: PickleValue, refuse: (reason: string) => never) => PickleValue;
  /** A call of something not allowed; the default refuses the file. What is kept instead is a closed box. */
  readonly onUnknownCall?: (name: string) => void;
}

/** A function of the table, while it lies on the stack. */
class Callable extends Rebuilt {
  readonly name: string;
  readonly call: (args: readonly PickleValue[], refuse: (reason: string) => never) => PickleValue;
  constructor(name: string, call: Callable['call']) {
    super();
    this.name = name;
    this.call = call;
  }
}

/** Modules that no model file has a reason to name in a call: for these there is no closed box either. */
const NEVER = /^(?:os|posix|nt|sys|subprocess|builtins|__builtin__|importlib|runpy|pty|shutil|socket|ctypes|code|codeop|pickle|_pickle|marshal|webbrowser|pip|timeit|pdb|bdb|operator|_operator|functools|asyncio|multiprocessing|threading|platform|signal|tempfile|commands|http|urllib|requests|ftplib|smtplib)\./;

export const isNeverAllowed = (name: string): boolean => NEVER.test(name);

const LATIN1 = 'latin1';

export class PickleMachine {
  readonly #bytes: Buffer;
  readonly #options: PickleOptions;
  #at: number;
  #stack: PickleValue[] = [];
  readonly #marks: PickleValue[][] = [];
  readonly #memo = new Map<number, PickleValue>();

  constructor(bytes: Uint8Array, options: PickleOptions, start = 0) {
    if (bytes.byteLength > PICKLE_LIMITS.bytes) {
      fail('LimitExceeded', { file: options.file, what: `the size of ${options.where}`, found: bytes.byteLength, limit: PICKLE_LIMITS.bytes });
    }
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#options = options;
    this.#at = start;
  }

  /** Where the pickle ended: several may lie one behind the other. */
  get end(): number {
    return this.#at;
  }

  run(): PickleValue {
    for (let count = 0; count < PICKLE_LIMITS.opcodes; count++) {
      const code = this.byte();
      if (code === STOP) return this.pop();
      const opcode = OPCODES[code] ?? this.refuse(`opcode 0x${code.toString(16)} is unknown`);
      opcode(this);
      if (this.#stack.length > PICKLE_LIMITS.stack) this.#tooMuch('values on the stack', PICKLE_LIMITS.stack);
    }
    return this.#tooMuch('pickle opcodes', PICKLE_LIMITS.opcodes);
  }

  readonly refuse = (reason: string): never =>
    fail('CorruptModel', { file: this.#options.file, where: `${this.#options.where}, byte ${this.#at}`, reason });

  #tooMuch(what: string, limit: number): never {
    return fail('LimitExceeded', { file: this.#options.file, what: `the number of ${what} in ${this.#options.where}`, found: `more than ${limit}`, limit });
  }

  // Bytes.

  bytes(length: number): Buffer {
    if (length < 0 || length > this.#bytes.length - this.#at) this.refuse(`it ends inside a value of ${length} bytes`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  byte(): number {
    return this.bytes(1)[0]!;
  }

  uint32(): number {
    return this.bytes(4).readUInt32LE();
  }

  size64(): number {
    const size = this.bytes(8).readBigUInt64LE();
    return size <= BigInt(this.#bytes.length) ? Number(size) : this.refuse(`it ends inside a value of ${size} bytes`);
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) this.refuse('it ends inside a line');
    const text = this.bytes(end - this.#at).toString(LATIN1);
    this.#at++;
    return text;
  }

  long(length: number): number | bigint {
    if (length > PICKLE_LIMITS.longBytes) this.#tooMuch('bytes of an integer', PICKLE_LIMITS.longBytes);
    const digits = Buffer.from(this.bytes(length)).reverse().toString('hex');
    return shortened(BigInt.asIntN(8 * length, length === 0 ? 0n : BigInt(`0x${digits}`)));
  }

  decimal(text: string): number | bigint {
    if (!/^[-+]?\d+L?$/.test(text) || text.length > 2 * PICKLE_LIMITS.longBytes) this.refuse('a number is not readable');
    return shortened(BigInt(text.replace(/L$/, '').replace(/^\+/, '')));
  }

  // Stack and memo.

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  pop(): PickleValue {
    return this.#stack.length > 0 ? this.#stack.pop()! : this.refuse('it takes a value from an empty stack');
  }

  top(): PickleValue {
    return this.#stack.length > 0 ? this.#stack.at(-1)! : this.refuse('it looks at an empty stack');
  }

  mark(): void {
    if (this.#marks.length >= PICKLE_LIMITS.marks) this.#tooMuch('marks', PICKLE_LIMITS.marks);
    this.#marks.push(this.#stack);
    this.#stack = [];
  }

  /** All values since the last mark. */
  popMark(): PickleValue[] {
    const values = this.#stack;
    this.#stack = this.#marks.pop() ?? this.refuse('it closes a group that was never opened');
    return values;
  }

  /** POP removes a mark when nothing lies on it. */
  discard(): void {
    if (this.#stack.length > 0) this.#stack.pop();
    else this.popMark();
  }

  put(index: number): void {
    if (this.#memo.size >= PICKLE_LIMITS.memo) this.#tooMuch('memo entries', PICKLE_LIMITS.memo);
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number): void {
    const value = this.#memo.get(index);
    this.push(value === undefined ? this.refuse(`it names value ${index}, which was never kept`) : value);
  }

  // Names and calls.

  global(module: string, name: string): void {
    const allowed = this.#options.globals(module, name);
    if (allowed === null) this.push(new Global(module, name));
    else this.push('value' in allowed ? allowed.value : new Callable(`${module}.${name}`, allowed.call));
  }

  /** REDUCE, INST and OBJ: a call. Only the table's functions are called. */
  call(callee: PickleValue, args: PickleValue): void {
    const values = args instanceof Tuple ? args.items : this.refuse('a call has no arguments');
    if (callee instanceof Callable) this.push(callee.call(values, this.refuse));
    else if (callee instanceof Global) this.push(this.#unknown(callee.name, values, true));
    else this.refuse('it calls a value that is no function');
  }

  /** NEWOBJ: an instance of a class, with nothing called. */
  create(type: PickleValue, args: PickleValue): void {
    const values = args instanceof Tuple ? args.items : this.refuse('an object has no arguments');
    if (type instanceof Callable) this.push(type.call(values, this.refuse));
    else if (type instanceof Global) this.push(this.#unknown(type.name, values, isNeverAllowed(type.name)));
    else this.refuse('it creates an object of a value that is no class');
  }

  #unknown(name: string, args: readonly PickleValue[], isCall: boolean): OpaqueObject {
    if (isCall) (this.#options.onUnknownCall ?? this.unsafe)(name);
    return new OpaqueObject(name, args);
  }

  readonly unsafe = (global: string): never => fail('UnsafePickle', { file: this.#options.file, global });

  build(): void {
    const state = this.pop();
    const object = this.top();
    if (object instanceof OpaqueObject) object.state = state;
    else if (object instanceof Rebuilt) object.build(state);
    // An OrderedDict carries attributes such as `_metadata`: of no use here.
    else if (!(object instanceof Map) && !(object instanceof Set) && !Array.isArray(object)) this.refuse('it sets the state of a plain value');
  }

  append(values: readonly PickleValue[]): void {
    const list = this.top();
    const items = Array.isArray(list) ? list : list instanceof OpaqueObject ? list.items : this.refuse('it appends to a value that is no list');
    for (const value of values) items.push(value);
  }

  setItems(values: readonly PickleValue[]): void {
    const target = this.top();
    const dict = target instanceof Map ? target : target instanceof OpaqueObject ? target.entries : this.refuse('it sets a key of a value that is no dictionary');
    if (values.length % 2 !== 0) this.refuse('a key has no value');
    for (let i = 0; i < values.length; i += 2) dict.set(values[i]!, values[i + 1]!);
  }

  addItems(values: readonly PickleValue[]): void {
    const set = this.top();
    if (!(set instanceof Set)) this.refuse('it adds to a value that is no set');
    else for (const value of values) set.add(value);
  }

  persistent(id: PickleValue): void {
    this.push(this.#options.persistentLoad(id, this.refuse));
  }
}

const shortened = (value: bigint): number | bigint => (BigInt.asIntN(54, value) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value);

const STOP = 0x2e;

type Opcode = (m: PickleMachine) => void;

const text = (m: PickleMachine): string => {
  const value = m.pop();
  return typeof value === 'string' ? value : m.refuse('a name is no text');
};
const copied = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);
const tuple = (count: number): Opcode => (m) => {
  const items = Array.from({ length: count }, () => m.pop()).reverse();
  m.push(new Tuple(items));
};
/** Old integers: `I01` and `I00` are the booleans. */
const oldInteger: Opcode = (m) => {
  const line = m.line();
  m.push(line === '01' ? true : line === '00' ? false : m.decimal(line));
};
/** Python 2 strings: text where it is text, else bytes. */
const quoted: Opcode = (m) => {
  const line = m.line();
  const inner = /^(['"])(.*)\1$/.exec(line)?.[2] ?? m.refuse('a string is not quoted');
  m.push(inner.replace(/\\(x[\da-fA-F]{2}|.)/g, (_, code: string) => (code.startsWith('x') ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (ESCAPES[code] ?? code))));
};
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
const extension: Opcode = (m) => void m.unsafe('an extension code of copyreg');

/** The opcodes of protocols 0 to 5, by their byte. Those of out-of-band buffers have no place in a file. */
const OPCODES: Readonly<Record<number, Opcode>> = {
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
  0x4a: (m) => m.push(m.bytes(4).readInt32LE()), // BININT
  0x4b: (m) => m.push(m.byte()), // BININT1
  0x4d: (m) => m.push(m.bytes(2).readUInt16LE()), // BININT2
  0x8a: (m) => m.push(m.long(m.byte())), // LONG1
  0x8b: (m) => m.push(m.long(m.uint32())), // LONG4
  0x46: (m) => m.push(Number(m.line())), // FLOAT
  0x47: (m) => m.push(m.bytes(8).readDoubleBE()), // BINFLOAT
  0x53: quoted, // STRING
  0x54: (m) => m.push(m.bytes(m.uint32()).toString(LATIN1)), // BINSTRING
  0x55: (m) => m.push(m.bytes(m.byte()).toString(LATIN1)), // SHORT_BINSTRING
  0x56: (m) => m.push(m.line().replace(/\\u([\da-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))), // UNICODE
  0x58: (m) => m.push(m.bytes(m.uint32()).toString('utf8')), // BINUNICODE
  0x8c: (m) => m.push(m.bytes(m.byte()).toString('utf8')), // SHORT_BINUNICODE
  0x8d: (m) => m.push(m.bytes(m.size64()).toString('utf8')), // BINUNICODE8
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
  0x61: (m) => { const value = m.pop(); m.append([value]); }, // APPEND
  0x65: (m) => m.append(m.popMark()), // APPENDS
  0x7d: (m) => m.push(new Map()), // EMPTY_DICT
  0x64: (m) => { const values = m.popMark(); m.push(new Map()); m.setItems(values); }, // DICT
  0x73: (m) => { const value = m.pop(); const key = m.pop(); m.setItems([key, value]); }, // SETITEM
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
  0x63: (m) => { const module = m.line(); m.global(module, m.line()); }, // GLOBAL
  0x93: (m) => { const name = text(m); m.global(text(m), name); }, // STACK_GLOBAL
  0x52: (m) => { const args = m.pop(); m.call(m.pop(), args); }, // REDUCE
  0x69: (m) => { const module = m.line(); const name = m.line(); const args = m.popMark(); m.global(module, name); m.call(m.pop(), new Tuple(args)); }, // INST
  0x6f: (m) => { const [type, ...args] = m.popMark(); m.call(type ?? null, new Tuple(args)); }, // OBJ
  0x81: (m) => { const args = m.pop(); m.create(m.pop(), args); }, // NEWOBJ
  0x92: (m) => { m.pop(); const args = m.pop(); m.create(m.pop(), args); }, // NEWOBJ_EX
  0x62: (m) => m.build(), // BUILD
  0x50: (m) => m.persistent(m.line()), // PERSID
  0x51: (m) => m.persistent(m.pop()), // BINPERSID
  0x82: extension, // EXT1
  0x83: extension, // EXT2
  0x84: extension, // EXT4
};
