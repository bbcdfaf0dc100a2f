/** Messages to protobuf bytes, by the table in `messages.ts`. */
import protobuf from 'protobufjs/minimal.js';
import {
  type Field,
  isMessage,
  LAYOUTS,
  type Message,
  type MessageName,
  MESSAGES,
  type ScalarKind,
} from './messages.ts';

type Writer = protobuf.Writer;

const VARINT = 0;
const DELIMITED = 2;
const FIXED32 = 5;

const tag = (id: number, wire: number): number => (id << 3) | wire;

interface ScalarRow {
  readonly wire: number;
  write(writer: Writer, value: never): unknown;
}

const SCALARS: Readonly<Record<ScalarKind, ScalarRow>> = {
  int64: {
    wire: VARINT,
    write: (w, value: number | bigint) => w.int64(typeof value === 'bigint' ? value.toString() : value),
  },
  int32: { wire: VARINT, write: (w, value: number) => w.int32(value) },
  float: { wire: FIXED32, write: (w, value: number) => w.float(value) },
  string: { wire: DELIMITED, write: (w, value: string) => w.string(value) },
  bytes: { wire: DELIMITED, write: (w, value: Uint8Array) => w.bytes(value) },
  data: { wire: DELIMITED, write: (w, value: Uint8Array) => w.bytes(value) },
};

/** `data` fields must be in memory here; large ones are written past this encoder. */
export function encode<M extends MessageName>(name: M, message: Message<M>): Uint8Array {
  const writer = new protobuf.Writer();
  writeFields(writer, name, message);
  return writer.finish();
}

function writeFields(writer: Writer, name: MessageName, message: Readonly<Record<string, unknown>>): void {
  for (const field of LAYOUTS[name].fields) {
    const value = message[field.name];
    if (value === undefined) continue;
    if (!field.repeated) writeField(writer, field, value);
    else for (const item of value as readonly unknown[]) writeField(writer, field, item);
  }
}

function writeField(writer: Writer, { id, kind }: Field, value: unknown): void {
  if (isMessage(kind)) {
    writer.uint32(tag(id, DELIMITED)).fork();
    writeFields(writer, kind, value as Readonly<Record<string, unknown>>);
    writer.ldelim();
    return;
  }
  const { wire, write } = SCALARS[kind];
  writer.uint32(tag(id, wire));
  write(writer, value as never);
}

/** Tag and length of a field whose bytes follow from elsewhere. */
export function delimiter<M extends MessageName>(
  name: M,
  field: keyof (typeof MESSAGES)[M] & string,
  length: number,
): Uint8Array {
  const { id } = LAYOUTS[name].fields.find((f) => f.name === field)!;
  return new protobuf.Writer().uint32(tag(id, DELIMITED)).uint32(length).finish();
}
