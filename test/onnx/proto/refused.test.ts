/** Files made by the onnx package that torchferry refuses, and files that nobody should have made. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../../shared/bytes/byte-source.ts';
import { type FailureCode, FerryError } from '../../../shared/errors.ts';
import { openModel } from '../../../shared/onnx/proto/read.ts';
import { readModel } from '../../../shared/onnx/proto/read-model.ts';

const FIXTURES = new URL('../../fixtures/onnx/', import.meta.url);
const REFUSED = new URL('refused/', FIXTURES);
const fixture = (name: string): Uint8Array => readFileSync(new URL(name, FIXTURES));

const CASES: Readonly<Record<string, readonly [FailureCode, string]>> = {
  'cycle.onnx': ['CorruptModel', 'cycle'],
  'external-absolute.onnx': ['CorruptModel', '"/etc/passwd"'],
  'external-backslash.onnx': ['CorruptModel', 'relative path inside the folder'],
  'external-bad-offset.onnx': ['CorruptModel', 'offset "-1"'],
  'external-drive.onnx': ['CorruptModel', '"C:secret.bin"'],
  'external-missing-file.onnx': ['FileNotFound', 'missing.bin'],
  'external-outside.onnx': ['CorruptModel', '"../secret.bin"'],
  'external-past-the-end.onnx': ['CorruptModel', 'byte 6144 of "external.bin", which has 2064'],
  'functions.onnx': ['UnsupportedFormat', 'local.F'],
  'huge-dimension.onnx': ['CorruptModel', 'dimension'],
  'name-twice.onnx': ['CorruptModel', '"y" is given twice'],
  'negative-dimension.onnx': ['CorruptModel', 'dimension -3'],
  'no-graph.onnx': ['CorruptModel', 'no graph'],
  'no-opset.onnx': ['CorruptModel', 'opset'],
  'sequence-input.onnx': ['UnsupportedFormat', 'input "x" is no tensor'],
  'sparse.onnx': ['UnsupportedFormat', 'sparse'],
  'strings.onnx': ['UnsupportedType', 'string'],
  'too-few-numbers.onnx': ['CorruptModel', 'float_data has 12 bytes, its type float32[4] takes 16'],
  'type-attribute.onnx': ['UnsupportedFormat', 'attribute "type" of node 1 (Optional)'],
  'undefined-input.onnx': ['CorruptModel', 'reads "nothing"'],
  'unknown-type.onnx': ['UnsupportedType', 'number 99'],
};

test('every file has a row', () => {
  expect(
    readdirSync(REFUSED)
      .filter((name) => name.endsWith('.onnx'))
      .sort(),
  ).toEqual(Object.keys(CASES));
});

test.each(Object.entries(CASES))('%s', async (name, [code, text]) => {
  const error = await openModel(new URL(name, REFUSED).pathname).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(FerryError);
  expect((error as FerryError).code).toBe(code);
  expect((error as FerryError).message).toContain(text);
});

const codeOf = async (bytes: Uint8Array): Promise<string> => {
  try {
    await readModel(memorySource('model.onnx', bytes));
    return 'read';
  } catch (error) {
    return error instanceof FerryError ? error.code : `${(error as Error).name}: ${(error as Error).message}`;
  }
};

describe('broken bytes', () => {
  const whole = fixture('control-flow.onnx');
  const TYPED = new Set(['read', 'CorruptModel', 'UnsupportedFormat', 'UnsupportedType', 'LimitExceeded']);

  test('a file that ends early is refused, wherever it ends', async () => {
    for (let end = 0; end < whole.length; end++)
      expect(TYPED, `first ${end} bytes`).toContain(await codeOf(whole.subarray(0, end)));
    expect(await codeOf(whole.subarray(0, whole.length / 2))).toBe('CorruptModel');
  });

  test('one wrong byte never ends in anything but a typed refusal', async () => {
    for (let at = 0; at < whole.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const bytes = new Uint8Array(whole);
        bytes[at]! ^= flip;
        expect(TYPED, `byte ${at} ^ ${flip}`).toContain(await codeOf(bytes));
      }
    }
  });

  /** Tag and length before bytes. */
  const field = (id: number, bytes: Uint8Array): Uint8Array =>
    Buffer.concat([Buffer.from([(id << 3) | 2]), varint(bytes.length), bytes]);
  function varint(value: number): Uint8Array {
    const bytes: number[] = [];
    for (let rest = value; ; rest = Math.floor(rest / 128)) {
      bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
      if (rest < 128) return Uint8Array.from(bytes);
    }
  }

  // The second is larger than the window in which messages are decoded at once.
  test.each([10, 300_000])('graphs inside graphs around a name of %d bytes are refused', async (length) => {
    let graph: Uint8Array = field(2, Buffer.alloc(length, 'a'));
    for (let level = 0; level < 40; level++) graph = field(1, field(5, field(6, graph)));
    expect(await codeOf(field(7, graph))).toBe('LimitExceeded');
  });

  test.each(
    Object.entries({
      'a length past the file': Buffer.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00]),
      'a length of 2^63': Buffer.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
      'a varint without end': Buffer.from([0x08, ...new Array<number>(16).fill(0xff)]),
      'field number 0': Buffer.from([0x02, 0x00]),
      'a group': Buffer.from([0x0b, 0x0c]),
      'a text file': Buffer.from('<html>not found</html>'),
      'an empty file': Buffer.alloc(0),
    }),
  )('%s', async (_, bytes) => {
    expect(await codeOf(bytes)).toBe('CorruptModel');
  });
});

test('a location is never resolved outside the folder, not even as a name of a file that is there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ferry-external-'));
  try {
    writeFileSync(join(folder, 'secret.bin'), new Uint8Array(4));
    const asked: string[] = [];
    const source = memorySource('m.onnx', readFileSync(new URL('external-outside.onnx', REFUSED)));
    await expect(
      readModel(source, { external: (location) => (asked.push(location), memorySource(location, new Uint8Array(4))) }),
    ).rejects.toThrow('relative path');
    expect(asked).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
