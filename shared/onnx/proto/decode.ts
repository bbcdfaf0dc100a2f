/**
 * Protobuf bytes to messages, by the table in `messages.ts`: walks a file in windows and leaves large `data` fields in
 * it.
 */
import protobuf from 'protobufjs/minimal.js';
import type { ByteSource } from '../../bytes/byte-source.ts';
import { fail, FerryError } from '../../errors.ts';
import { LAZY_FROM, LIMITS, WINDOW } from './limits.ts';
import { type Field, isMessage, LAYOUTS, type Message, type MessageName, type ScalarKind } from './messages.ts';

type Fields = Record<string, unknown>;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;
/** Longest tag plus longest length. */
const LONGEST_HEADER = 20;

/** Every malformed byte ends as `CorruptModel`; too deep or too many as `LimitExceeded`. */
export async function decode<M extends MessageName>(name: M, source: ByteSource): Promise<Message<M>> {
  const decoder = new Decoder(source);
  try {
    return (await decoder.message(name, source.size, 0)) as Message<M>;
  } catch (cause) {
    if (cause instanceof FerryError) throw cause;
    return fail(
      'CorruptModel',
      {
        file: source.name,
        where: `byte ${decoder.position}`,
        reason: cause instanceof Error ? cause.message : String(cause),
      },
      cause,
    );
  }
}

class Decoder {
  readonly #source: ByteSource;
  /** The window starts at `#base` of the source. */
  #reader = new protobuf.Reader(new Uint8Array(0));
  #base = 0;
  #fields = 0;
  #nodes = 0;
  #kept = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get position(): number {
    return this.#base + this.#reader.pos;
  }

  /** The message from here to `end` of the source, however large. */
  async message(name: MessageName, end: number, depth: number): Promise<Fields> {
    this.#begin(name, depth);
    const message: Fields = {};
    while (this.position < end) {
      await this.#fill(Math.min(LONGEST_HEADER, end - this.position));
      const start = this.#reader.pos;
      const { field, wire } = this.#tag(name);
      if (wire !== DELIMITED) {
        this.#value(message, field, { wire, depth });
      } else {
        const length = this.#reader.size();
        const valueEnd = this.position + length;
        if (valueEnd > end) throw new Error(`a field of ${name} ends past its message`);
        if (!field) await this.#moveTo(valueEnd);
        else if (field.kind === 'data' && length >= LAZY_FROM) {
          add(message, field, this.#source.slice(this.position, valueEnd));
          await this.#moveTo(valueEnd);
        } else if (isMessage(field.kind) && length > WINDOW) {
          add(message, field, await this.message(field.kind, valueEnd, depth + 1));
        } else {
          const headerLength = this.#reader.pos - start;
          this.#reader.pos = start;
          await this.#fill(headerLength + length);
          this.#tag(name);
          this.#value(message, field, { wire, depth });
        }
      }
      if (this.position > end) throw new Error(`a field of ${name} ends past its message`);
    }
    return message;
  }

  /** A message that lies in the window, up to `end` of the window. */
  #within(name: MessageName, end: number, depth: number): Fields {
    this.#begin(name, depth);
    const reader = this.#reader;
    const message: Fields = {};
    while (reader.pos < end) {
      const { field, wire } = this.#tag(name);
      this.#value(message, field, { wire, depth });
      if (reader.pos > end) throw new Error(`a field of ${name} ends past its message`);
    }
    return message;
  }

  #begin(name: MessageName, depth: number): void {
    this.#limit('nesting', depth, LIMITS.depth);
    if (name === 'NodeProto') this.#limit('number of nodes', ++this.#nodes, LIMITS.nodes);
  }

  #tag(name: MessageName): { field: Field | undefined; wire: number } {
    this.#limit('number of fields', ++this.#fields, LIMITS.fields);
    const tag = this.#reader.tag();
    if (tag >>> 3 === 0) throw new Error('a field has the number 0');
    return { field: LAYOUTS[name].byId.get(tag >>> 3), wire: tag & 7 };
  }

  /** The value after a tag, all of it in the window. */
  #value(
    message: Fields,
    field: Field | undefined,
    { wire, depth }: { readonly wire: number; readonly depth: number },
  ): void {
    const reader = this.#reader;
    if (!field) {
      skip(reader, wire);
      return;
    }
    const { kind } = field;
    if (kind === 'data') {
      for (const chunk of this.#data(wire)) add(message, field, chunk);
    } else if (wire === SCALAR_WIRES[kind as ScalarKind] && !isMessage(kind)) {
      add(message, field, SCALARS[kind](reader, this));
    } else if (wire !== DELIMITED) {
      throw new Error(`field ${field.name} has wire type ${wire}`);
    } else {
      const length = reader.size();
      const end = reader.pos + length;
      if (end > reader.len) throw new Error(`field ${field.name} ends past its message`);
      if (isMessage(kind)) add(message, field, this.#within(kind, end, depth + 1));
      else if (field.repeated && kind in PACKABLE)
        while (reader.pos < end) add(message, field, SCALARS[kind](reader, this));
      else throw new Error(`field ${field.name} has wire type ${wire}`);
      if (reader.pos !== end) throw new Error(`field ${field.name} ends past its length`);
    }
  }

  /** Bytes, or one number of an unpacked list as its bytes: the pieces of a list in order are its packed form. */
  *#data(wire: number): Generator<Uint8Array | ByteSource> {
    const reader = this.#reader;
    if (wire !== DELIMITED) {
      const start = reader.pos;
      skip(reader, wire);
      yield reader.buf.slice(start, reader.pos);
      return;
    }
    const length = reader.size();
    const start = reader.pos;
    if (start + length > reader.len) throw new Error('bytes end past their message');
    reader.pos += length;
    if (length >= LAZY_FROM) yield this.#source.slice(this.#base + start, this.#base + start + length);
    else yield this.bytes(start, length);
  }

  /** A copy, so that the window is not kept alive. */
  bytes(start: number, length: number): Uint8Array {
    this.#kept += length;
    this.#limit('size without weights in bytes', this.#kept, LIMITS.decodedBytes);
    return this.#reader.buf.slice(start, start + length);
  }

  /** Have the next `length` bytes in the window. */
  async #fill(length: number): Promise<void> {
    const reader = this.#reader;
    if (reader.len - reader.pos >= length) return;
    const start = this.position;
    this.#limit('size of one field in bytes', length, LIMITS.decodedBytes);
    const end = Math.min(this.#source.size, start + Math.max(length, WINDOW + LONGEST_HEADER));
    if (end - start < length) throw new Error('the file ends inside a field');
    this.#reader = new protobuf.Reader(await this.#source.slice(start, end).read());
    this.#base = start;
  }

  async #moveTo(position: number): Promise<void> {
    if (position > this.#source.size) throw new Error('the file ends inside a field');
    const inWindow = position - this.#base;
    if (inWindow <= this.#reader.len) {
      this.#reader.pos = inWindow;
      return;
    }
    this.#reader = new protobuf.Reader(new Uint8Array(0));
    this.#base = position;
  }

  #limit(what: string, found: number, limit: number): void {
    if (found > limit) fail('LimitExceeded', { file: this.#source.name, what, found, limit });
  }
}

function add(message: Fields, field: Field, value: unknown): void {
  if (!field.repeated) message[field.name] = value;
  else ((message[field.name] ??= []) as unknown[]).push(value);
}

/** Groups (wire types 3 and 4) do not occur in ONNX. */
function skip(reader: protobuf.Reader, wire: number): void {
  if (wire !== VARINT && wire !== FIXED32 && wire !== FIXED64 && wire !== DELIMITED)
    throw new Error(`wire type ${wire} does not exist in ONNX`);
  reader.skipType(wire);
  if (reader.pos > reader.len) throw new Error('a field ends past the file');
}

const SCALAR_WIRES: Readonly<Record<ScalarKind, number>> = {
  int64: VARINT,
  int32: VARINT,
  float: FIXED32,
  string: DELIMITED,
  bytes: DELIMITED,
  data: DELIMITED,
};
const PACKABLE = { int64: true, int32: true, float: true } as const;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** null for what is no UTF-8: a replacement character could make two names one. */
export function utf8Text(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

function span(reader: protobuf.Reader, decoder: Decoder): Uint8Array {
  const length = reader.size();
  if (reader.pos + length > reader.len) throw new Error('bytes end past their message');
  const bytes = decoder.bytes(reader.pos, length);
  reader.pos += length;
  return bytes;
}

const SCALARS: Readonly<Record<Exclude<ScalarKind, 'data'>, (reader: protobuf.Reader, decoder: Decoder) => unknown>> = {
  int64: (reader) => {
    const { low, high } = reader.int64();
    const number = high * 2 ** 32 + (low >>> 0);
    return Number.isSafeInteger(number) ? number : (BigInt(high) << 32n) | BigInt(low >>> 0);
  },
  int32: (reader) => reader.int32(),
  float: (reader) => reader.float(),
  string: (reader, decoder) => {
    const text = utf8Text(span(reader, decoder));
    if (text === null) throw new Error('a name is no UTF-8 text');
    return text;
  },
  bytes: span,
};
