/** Files made to harm: each ends in a code, within a second, without taking memory. Plain errors would be our bugs. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../shared/bytes/byte-source.ts';
import { openZip } from '../../shared/bytes/zip.ts';
import { zipBytes } from '../../shared/bytes/zip-write.ts';
import { isFailure } from '../../shared/errors.ts';
import { openProgram } from '../../shared/formats/open.ts';
import { buildZip, type RecordSpec } from '../bytes/zip-builder.ts';

const fixture = (path: string): Buffer => readFileSync(new URL(`../fixtures/${path}`, import.meta.url));

/** Open a file and read all of it; the code it ends with, or `ok`. */
async function outcome(bytes: Uint8Array): Promise<string> {
  try {
    const program = await openProgram(memorySource('hostile.pt2', bytes));
    for (const data of program.weights.values()) await data.read();
    await program.sampleInputs();
    return 'ok';
  } catch (error) {
    if (!isFailure(error)) throw error;
    return error.code;
  }
}

/** The same numbers on every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

type Records = [string, Uint8Array][];

async function recordsOf(bytes: Uint8Array): Promise<Records> {
  const zip = await openZip(memorySource('fixture', bytes));
  return Promise.all(zip.entries.map(async (entry): Promise<[string, Uint8Array]> => [entry.name, await entry.read()]));
}

const FILES = [
  'pt2/container_2_13.pt2',
  'pt2/container_2_8.pt2',
  'pt2/container_rezipped_deflate.pt2',
  'pt2/container_flat_deflated.pt2',
  'pt2/w_strided_storages.pt2',
  'torch-save/values.pt',
  'torch-save/legacy.pt',
];

describe.each(FILES)('%s', (file) => {
  const whole = fixture(file);

  test('cut short', async () => {
    const random = randomNumbers(1);
    for (let i = 0; i < 100; i++)
      expect(await outcome(whole.subarray(0, Math.floor(random() * whole.length)))).not.toBe('ok');
  });

  test('with bytes changed', async () => {
    const random = randomNumbers(2);
    for (let i = 0; i < 120; i++) {
      const bytes = new Uint8Array(whole);
      for (let n = 0; n <= 3 * random(); n++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      expect(await outcome(bytes)).toEqual(expect.any(String));
    }
  });
});

test('records changed under a valid checksum', async () => {
  const random = randomNumbers(3);
  for (const file of ['pt2/container_2_8.pt2', 'pt2/container_flat_2_7.pt2', 'torch-save/values.pt']) {
    const records = await recordsOf(fixture(file));
    for (let i = 0; i < 150; i++) {
      const changed = await Promise.all(
        records.map(async ([name, bytes]): Promise<[string, Uint8Array]> => [
          name,
          name.endsWith('.pt') ? zipBytes(await withNoise(await recordsOf(bytes), random)) : bytes,
        ]),
      );
      expect(await outcome(zipBytes(file.includes('pt2/') ? changed : await withNoise(records, random)))).toEqual(
        expect.any(String),
      );
    }
  }
});

async function withNoise(records: Records, random: () => number): Promise<Records> {
  return records.map(([name, bytes]) => {
    if (!name.endsWith('.pkl')) return [name, bytes];
    const noisy = new Uint8Array(bytes);
    for (let n = 0; n <= 2 * random(); n++) noisy[Math.floor(random() * noisy.length)] = Math.floor(random() * 256);
    return [name, noisy];
  });
}

const JUNK: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  -(2 ** 63),
  1e300,
  'NaN',
  '',
  'x',
  'conv2d',
  [],
  {},
  [[]],
  { as_int: 1 },
  { as_tensor: { name: 'x' } },
  { as_none: true },
  { as_graph: { name: 'g', graph: {} } },
  { as_expr: { expr_str: "Pow(Symbol('a'), Integer(99999))" } },
  { as_expr: { expr_str: "Sub(Symbol('a'))" } },
  { as_expr: { expr_str: '(((' } },
  { constructor: 1 },
  { __proto__x: [] },
  'constructor',
  '__proto__',
];

test('graphs with any part in place of any other', async () => {
  const random = randomNumbers(4);
  const records = await recordsOf(fixture('pt2/container_2_13.pt2'));
  const seen = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const target = records.filter(([name]) => name.endsWith('.json'))[Math.floor(random() * 3)]![0];
    const changed = records.map(([name, bytes]): [string, Uint8Array] => {
      if (name !== target) return [name, bytes];
      const json = JSON.parse(Buffer.from(bytes).toString()) as unknown;
      mutate(json, random);
      return [name, Buffer.from(JSON.stringify(json))];
    });
    seen.add(await outcome(zipBytes(changed)));
  }
  expect(
    [...seen].every((code) =>
      ['ok', 'CorruptModel', 'CorruptArchive', 'NoWeights', 'LimitExceeded', 'UnsupportedType'].includes(code),
    ),
  ).toBe(true);
  expect(seen.has('CorruptModel')).toBe(true);
});

/** Replace, drop or repeat one value somewhere in a document. */
function mutate(root: unknown, random: () => number): void {
  const places: [Record<string, unknown>, string][] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, unknown>, key]);
      walk((value as Record<string, unknown>)[key]);
    }
  };
  walk(root);
  const [holder, key] = places[Math.floor(random() * places.length)]!;
  const way = random();
  if (way < 0.15) delete holder[key];
  else if (way < 0.25 && Array.isArray(holder)) holder.push(holder[Number(key)]);
  else holder[key] = JUNK[Math.floor(random() * JUNK.length)];
}

describe('made to harm', () => {
  const records = recordsOf(fixture('pt2/container_2_13.pt2'));
  const replaced = async (suffix: string, edit: (text: string) => string | Uint8Array): Promise<Uint8Array> =>
    zipBytes(
      (await records).map(([name, bytes]): [string, Uint8Array] =>
        name.endsWith(suffix) ? [name, Buffer.from(edit(Buffer.from(bytes).toString()))] : [name, bytes],
      ),
    );
  const model = (edit: (text: string) => string | Uint8Array): Promise<Uint8Array> =>
    replaced('models/model.json', edit);
  const config = (edit: (text: string) => string): Promise<Uint8Array> => replaced('model_weights_config.json', edit);
  const json = (text: string): Buffer => Buffer.from(text);
  const torchSave = (pickle: Uint8Array): Uint8Array =>
    zipBytes([
      ['archive/data.pkl', pickle],
      ['archive/version', json('3\n')],
    ]);
  const archive = (...specs: readonly RecordSpec[]): Uint8Array => buildZip(specs);
  const deepGraph = (depth: number): string =>
    depth === 0
      ? '{"inputs":[],"outputs":[],"nodes":[],"tensor_values":{}}'
      : `{"inputs":[],"outputs":[],"nodes":[{"target":"a","inputs":[{"name":"","arg":{"as_graph":{"name":"g","graph":${deepGraph(depth - 1)}}}}],"outputs":[]}],"tensor_values":{}}`;

  const cases: readonly (readonly [string, () => Promise<Uint8Array> | Uint8Array, readonly string[]])[] = [
    [
      'a size of 2^63 in the graph',
      () => model((text) => text.replace('"sizes": [{"as_int": 4}', '"sizes": [{"as_int": 9223372036854775808}')),
      ['CorruptModel'],
    ],
    [
      'a size of 2^63 - 1 in a weight',
      () => config((text) => text.replace('"sizes": [{"as_int": 4}', '"sizes": [{"as_int": 9223372036854775807}')),
      ['CorruptModel'],
    ],
    [
      'a size of 2^53 - 1 in a weight',
      () => config((text) => text.replace('"sizes": [{"as_int": 4}', '"sizes": [{"as_int": 9007199254740991}')),
      ['CorruptModel'],
    ],
    [
      'a stride of 2^53 - 1 in a weight',
      () => config((text) => text.replace('"strides": [{"as_int": 27}', '"strides": [{"as_int": 9007199254740991}')),
      ['CorruptModel'],
    ],
    [
      'a negative stride',
      () => config((text) => text.replace('"strides": [{"as_int": 27}', '"strides": [{"as_int": -27}')),
      ['CorruptModel'],
    ],
    [
      'an offset behind the storage',
      () => config((text) => text.replace('"storage_offset": {"as_int": 0}', '"storage_offset": {"as_int": 1}')),
      ['CorruptModel'],
    ],
    [
      'one element expanded to 10^18',
      () =>
        config((text) =>
          text.replace(
            '"sizes": [{"as_int": 4}], "requires_grad": true, "device": {"type": "cpu", "index": null}, ' +
              '"strides": [{"as_int": 1}]',
            '"sizes": [{"as_int": 1000000000}, {"as_int": 1000000000}], "requires_grad": true, "device": ' +
              '{"type": "cpu", "index": null}, "strides": [{"as_int": 0}, {"as_int": 0}]',
          ),
        ),
      ['LimitExceeded'],
    ],
    [
      'a weight of 100,000 dimensions',
      () =>
        config((text) =>
          text
            .replace('"sizes": [{"as_int": 4}]', `"sizes": [${Array(100_000).fill('{"as_int": 1}').join()}]`)
            .replace('"strides": [{"as_int": 1}]', `"strides": [${Array(100_000).fill('{"as_int": 0}').join()}]`),
        ),
      ['CorruptModel'],
    ],
    ['lists nested 1,000,000 deep', () => model(() => `${'['.repeat(1e6)}${']'.repeat(1e6)}`), ['CorruptModel']],
    [
      'lists nested 100,000 deep with a long integer',
      () => model(() => `${'['.repeat(1e5)}9223372036854775807${']'.repeat(1e5)}`),
      ['CorruptModel'],
    ],
    ['graphs nested 200 deep', () => model(() => `{"graph_module":{"graph":${deepGraph(200)}}}`), ['CorruptModel']],
    [
      'an integer of a million digits',
      () => model((text) => text.replace('"as_int": 4', `"as_int": ${'9'.repeat(1e6)}`)),
      ['CorruptModel'],
    ],
    [
      'a name of a million letters',
      () => model((text) => text.replaceAll('"relu"', `"${'r'.repeat(1e6)}"`)),
      ['CorruptModel'],
    ],
    [
      'a million unknown nodes',
      () =>
        model(
          () => `{"graph_module":{"graph":{"inputs":[],"outputs":[],"nodes":[${Array(300_000).fill('{}').join()}]}}}`,
        ),
      ['LimitExceeded'],
    ],
    [
      'a stack trace of ten million letters',
      () => model((text) => text.replace('File \\"make_special.py\\"', `File \\"${'File '.repeat(2e6)}\\"`)),
      ['ok'],
    ],
    [
      'a module path of nested getattr',
      () =>
        model((text) => text.replace('L__self__,,', `L__self__,${'getattr('.repeat(5e4)}L${", 'a')".repeat(5e4)},`)),
      ['ok'],
    ],
    ['a graph that is no text', () => model(() => Buffer.from([0xff, 0xfe, 0x00, 0xd8])), ['CorruptModel']],
    [
      'a program that inflates to 60 MiB',
      () => archive({ name: 'm/models/model.json', data: Buffer.alloc(60 * 1024 * 1024, ' '), deflate: true }),
      ['LimitExceeded'],
    ],
    [
      'a program of 70 MiB',
      () => archive({ name: 'm/models/model.json', data: Buffer.alloc(70 * 1024 * 1024, ' ') }),
      ['LimitExceeded'],
    ],
    [
      'a program that says it inflates to 2 GiB',
      () => archive({ name: 'm/models/model.json', data: json('{}'), deflate: true, size: 2 * 1024 ** 3 }),
      ['LimitExceeded'],
    ],
    [
      'a state dict that inflates without end',
      () => archive({ name: 'm/data.pkl', data: Buffer.alloc(100 * 1024 * 1024, 'N'), deflate: true }),
      ['LimitExceeded'],
    ],
    [
      'a pickle of 1,900,000 opcodes',
      () => torchSave(Buffer.concat([Buffer.alloc(1_900_000, 'N0'), Buffer.from('N.')])),
      ['UnsupportedFormat'],
    ],
    [
      'a pickle that keeps 400,000 values',
      () =>
        torchSave(
          Buffer.concat([
            Buffer.from('\x80\x04', 'latin1'),
            Buffer.alloc(800_000, Buffer.from('N\x94', 'latin1')),
            Buffer.from('.'),
          ]),
        ),
      ['UnsupportedFormat'],
    ],
    // Each list holds the one before twice: 2^60 elements if it were copied.
    [
      'lists that double 60 times',
      () =>
        torchSave(
          Buffer.concat([
            Buffer.from('\x80\x02]q\x00', 'latin1'),
            ...Array.from({ length: 60 }, (_, i) => Buffer.from([0x28, 0x68, i, 0x68, i, 0x6c, 0x71, i + 1])),
            Buffer.from('.'),
          ]),
        ),
      ['UnsupportedFormat'],
    ],
    [
      'a list that holds itself',
      () => torchSave(Buffer.from('\x80\x02]q\x00h\x00a.', 'latin1')),
      ['UnsupportedFormat'],
    ],
    [
      'a storage of 2^62 elements',
      () =>
        torchSave(
          Buffer.from(
            '\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu\x8a\x08\0\0\0\0\0\0\0\x40tQ.',
            'latin1',
          ),
        ),
      ['CorruptModel'],
    ],
    [
      'an archive inside an archive inside an archive',
      async () => zipBytes([['m/models/model.json', await model((text) => text)]]),
      ['CorruptModel'],
    ],
  ];
  test.each(cases)('%s', async (_, make, codes) => {
    const bytes = await make();
    const before = process.memoryUsage();
    // Time of this process, not of a busy machine.
    const start = process.cpuUsage();
    expect(codes).toContain(await outcome(bytes));
    const spent = process.cpuUsage(start);
    const after = process.memoryUsage();
    expect(spent.user + spent.system).toBeLessThan(1_000_000);
    expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(300 * 1024 * 1024);
  });
});
