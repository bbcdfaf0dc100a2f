/** A pickle machine that never runs anything: it builds plain data, and calls only what a table allows. */
import { latin1Text } from '../bytes/text.ts';
import { fail } from '../errors.ts';
import { OPCODES, STOP } from './pickle-opcodes.ts';
import { Global, OpaqueObject, OrderedDict, type PickleValue, Rebuilt, Tuple } from './pickle-values.ts';

/** Enough for a checkpoint of 40,000 tensors; a hostile file is stopped within a second. */
export const PICKLE_LIMITS = {
  bytes: 128 * 1024 * 1024,
  opcodes: 2_000_000,
  memo: 500_000,
  stack: 1_000_000,
  longBytes: 256,
  marks: 10_000,
} as const;

/** A global a file may use: a function over plain data, or a value. */
export type AllowedGlobal =
  | { readonly call: (args: readonly PickleValue[], refuse: (reason: string) => never) => PickleValue }
  | { readonly value: PickleValue };

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
const NEVER =
  /^(?:os|posix|nt|sys|subprocess|builtins|__builtin__|importlib|runpy|pty|shutil|socket|ctypes|code|codeop|pickle|_pickle|marshal|webbrowser|pip|timeit|pdb|bdb|operator|_operator|asyncio|multiprocessing|threading|platform|signal|tempfile|commands|http|urllib|requests|ftplib|smtplib)\./;

export const isNeverAllowed = (name: string): boolean => NEVER.test(name);

export class PickleMachine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #options: PickleOptions;
  #at: number;
  #stack: PickleValue[] = [];
  readonly #marks: PickleValue[][] = [];
  readonly #memo = new Map<number, PickleValue>();

  constructor(bytes: Uint8Array, options: PickleOptions, start = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
    fail('CorruptModel', {
      file: this.#options.file,
      where: `${this.#options.where}, byte ${this.#at}`,
      reason: reason.slice(0, 200),
    });

  #tooMuch(what: string, limit: number): never {
    return fail('LimitExceeded', {
      file: this.#options.file,
      what: `the number of ${what} in ${this.#options.where}`,
      found: `more than ${limit}`,
      limit,
    });
  }

  // Bytes.

  /** Goes past `length` bytes, and says where they began. */
  #pass(length: number): number {
    if (length < 0 || length > this.#bytes.length - this.#at) this.refuse(`it ends inside a value of ${length} bytes`);
    const start = this.#at;
    this.#at += length;
    return start;
  }

  bytes(length: number): Uint8Array {
    const start = this.#pass(length);
    return this.#bytes.subarray(start, this.#at);
  }

  byte(): number {
    return this.#bytes[this.#pass(1)]!;
  }

  uint16(): number {
    return this.#view.getUint16(this.#pass(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#pass(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#pass(4), true);
  }

  float64(): number {
    return this.#view.getFloat64(this.#pass(8));
  }

  size64(): number {
    const size = this.#view.getBigUint64(this.#pass(8), true);
    return size <= BigInt(this.#bytes.length) ? Number(size) : this.refuse(`it ends inside a value of ${size} bytes`);
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) this.refuse('it ends inside a line');
    const text = latin1Text(this.bytes(end - this.#at));
    this.#at++;
    return text;
  }

  long(length: number): number | bigint {
    if (length > PICKLE_LIMITS.longBytes) this.#tooMuch('bytes of an integer', PICKLE_LIMITS.longBytes);
    const digits = Array.from(this.bytes(length), (byte) => byte.toString(16).padStart(2, '0'))
      .reverse()
      .join('');
    return shortened(BigInt.asIntN(8 * length, length === 0 ? 0n : BigInt(`0x${digits}`)));
  }

  decimal(text: string): number | bigint {
    if (!/^[-+]?\d+L?$/.test(text) || text.length > 2 * PICKLE_LIMITS.longBytes)
      this.refuse('a number is not readable');
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
    else if (callee instanceof Global) {
      this.#refuseCall(callee.name);
      this.push(new OpaqueObject(callee.name, values));
    } else this.refuse('it calls a value that is no function');
  }

  /** NEWOBJ: an instance of a class, with nothing called. */
  create(type: PickleValue, args: PickleValue): void {
    const values = args instanceof Tuple ? args.items : this.refuse('an object has no arguments');
    if (type instanceof Callable) this.push(type.call(values, this.refuse));
    else if (type instanceof Global) {
      if (isNeverAllowed(type.name)) this.#refuseCall(type.name);
      this.push(new OpaqueObject(type.name, values));
    } else this.refuse('it creates an object of a value that is no class');
  }

  #refuseCall(name: string): void {
    (this.#options.onUnknownCall ?? this.unsafe)(name);
  }

  readonly unsafe = (global: string): never =>
    fail('UnsafePickle', { file: this.#options.file, global: global.slice(0, 200) });

  build(): void {
    const state = this.pop();
    const object = this.top();
    if (object instanceof OpaqueObject) object.state = state;
    else if (object instanceof Rebuilt) object.build(state);
    else if (object instanceof OrderedDict) object.attributes = state;
    else if (!(object instanceof Map) && !(object instanceof Set) && !Array.isArray(object))
      this.refuse('it sets the state of a plain value');
  }

  append(values: readonly PickleValue[]): void {
    const list = this.top();
    const items = Array.isArray(list)
      ? list
      : list instanceof OpaqueObject
        ? list.items
        : this.refuse('it appends to a value that is no list');
    for (const value of values) items.push(value);
  }

  setItems(values: readonly PickleValue[]): void {
    const target = this.top();
    const dict =
      target instanceof Map
        ? target
        : target instanceof OpaqueObject
          ? target.entries
          : this.refuse('it sets a key of a value that is no dictionary');
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

const shortened = (value: bigint): number | bigint =>
  BigInt.asIntN(54, value) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;
