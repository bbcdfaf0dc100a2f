/** What is written is what is read: the three ways to keep weights, and files the onnx package wrote. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileSource } from '../../../shared/bytes/file-source.ts';
import { isFailure } from '../../../shared/errors.ts';
import type { Model } from '../../../shared/onnx/ir.ts';
import { openModel } from '../../../shared/onnx/proto/read.ts';
import { readModel } from '../../../shared/onnx/proto/read-model.ts';
import { writeModel } from '../../../shared/onnx/proto/write.ts';
import { parseModel } from '../../../shared/onnx/text-parser.ts';
import { printModel } from '../../../shared/onnx/text.ts';
import { derivedData, memoryData, storedData } from '../../../shared/tensor/data.ts';

const fixture = (name: string): string => new URL(`../../fixtures/onnx/${name}`, import.meta.url).pathname;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ferry-onnx-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Everything a model holds, every element included. */
async function fullText(model: Model): Promise<string> {
  for (const value of model.graph.initializers) {
    const data = value.data!;
    value.data = memoryData(data.dtype, data.shape, new Uint8Array(await data.read()));
  }
  return printModel(model, { elements: Infinity, types: true, names: true });
}

async function textOf(path: string): Promise<string> {
  const { model, close } = await openModel(path);
  try {
    return await fullText(model);
  } finally {
    close();
  }
}

describe('files written by the onnx package', () => {
  test('every list of TensorProto', async () => {
    // The numbers are those given to helper.make_tensor; 8-bit floats are shown as bits: 1 is 0x38, -2 is 0xc0.
    const { model, close } = await openModel(fixture('tensor-lists.onnx'));
    close();
    expect(printModel(model)).toContain(`
  float[2] float = {1.5, -2.25},
  double[2] double = {0.1, 1e+300},
  float16[2] float16 = {1.5, -2},
  bfloat16[2] bfloat16 = {1.5, -2},
  int8[2] int8 = {-128, 127},
  uint8[2] uint8 = {0, 255},
  int16[2] int16 = {-32768, 32767},
  uint16[2] uint16 = {0, 65535},
  int32[2] int32 = {-2147483648, 2147483647},
  uint32[2] uint32 = {0, 4294967295},
  int64[2] int64 = {-9223372036854775808, 9223372036854775807},
  uint64[2] uint64 = {0, 18446744073709551615},
  bool[2] bool = {1, 0},
  int4[3] int4 = {-8, 7, 3},
  uint4[3] uint4 = {15, 0, 1},
  float8e4m3fn[2] float8e4m3fn = {56, 192},
  float scalar = {0.5},
  float[0,3] empty = {},
  int64[2,2] raw = {1, 2, 3, 4}
`);
  });

  test('lists that stay in the file until they are read', async () => {
    const expected = JSON.parse(readFileSync(fixture('large-lists.json'), 'utf8')) as { f: number[]; i: number[] };
    const { model, close } = await openModel(fixture('large-lists.onnx'));
    const [f, i] = [...model.graph.initializers].map((value) => value.data!);
    expect([f!.memory, i!.memory]).toEqual([null, null]);
    expect([...new Float32Array(new Uint8Array(await f!.read()).buffer)]).toEqual(expected.f);
    expect([...new BigInt64Array(new Uint8Array(await i!.read()).buffer)].map(Number)).toEqual(expected.i);
    close();
  });

  test('external data: large tensors stay there, shape constants are in memory', async () => {
    const { model, close } = await openModel(fixture('external.onnx'));
    const [w, s] = [...model.graph.initializers];
    expect(w!.data!.memory).toBeNull();
    expect(w!.data!.stored!.origin.root.name).toBe(fixture('external.bin'));
    expect([...new Float32Array(new Uint8Array(await w!.data!.read()).buffer)]).toEqual(
      Array.from({ length: 512 }, (_, i) => i),
    );
    expect(s!.data!.memory).toEqual(new Uint8Array(new BigInt64Array([2n, 128n]).buffer));
    // An expression as PyTorch names dimensions.
    expect(model.graph.inputs[0]!.type!.shape.map(String)).toEqual(['N', '2*N + 1']);
    close();
  });

  test('subgraphs, absent inputs and outputs, nodes in any order, weights listed as inputs', async () => {
    const { model, close } = await openModel(fixture('control-flow.onnx'));
    close();
    expect(printModel(model, { names: true }))
      .toBe(`<ir_version: 10, opset_import: ["": 21, "com.example": 1], metadata_props: ["author": "somebody"]>
control (float[2] x) => (float[2] y, z)
<
  int64 n = {3},
  float[2] w = {5, 6}
>
{
  l = Loop <body = body (int64 i, bool c, float[2] s) => (bool c2, float[2] s2)
  <
    float[1] unused = {1}
  >
  {
    s2 = Add(s, x)
    c2 = Identity(c)
  }>(n, "", x)
  [last] y = Relu(l)
  "", z = com.example.Custom <a = 1, b = 1.5, c = "text", d = [1, -2], e = [0.5, 2.0], f = ["p", "q"], t = float[2] {1, 2}>(x, "", w)
}
`);
  });
});

const FIXTURES = ['tensor-lists.onnx', 'large-lists.onnx', 'external.onnx', 'control-flow.onnx'];

describe.each(['embed', 'pack'] as const)('%s', (weights) => {
  test.each(FIXTURES)('%s comes back', async (name) => {
    const { model, close } = await openModel(fixture(name));
    const path = join(folder, 'model.onnx');
    const written = await writeModel(model, path, { weights, valueInfo: true });
    close();
    expect(written).toMatchObject({ weights, warnings: [], linked: [] });
    expect(await textOf(path)).toBe(await textOf(fixture(name)));
    for (const { path: file, bytes } of written.files) expect(statSync(file).size).toBe(bytes);
  });

  test('the same model gives the same bytes', async () => {
    const hashes = new Set<string | undefined>();
    for (const name of ['a.onnx', 'b.onnx']) {
      const { model, close } = await openModel(fixture('external.onnx'));
      const { files } = await writeModel(model, join(folder, name), { weights: 'embed', sha256: true });
      close();
      expect(files[0]!.sha256).toBe(
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      );
      hashes.add(files[0]!.sha256);
    }
    expect(hashes.size).toBe(1);
  });
});

/** Two weights of 2 KiB and 1 MiB + 4 bytes, a derived one, and a shape constant. */
function weightsModel(source: ReturnType<typeof fileSource> | null): Model {
  const model = parseModel(`<ir_version: 10, opset_import: ["": 21]>
    g (float[N,512] x) => (float[512] y) < int64[1] shape = {-1} > { y = Reshape(x, shape) }`);
  const data = (elements: number, at: number) =>
    source
      ? storedData('float32', [elements], source.slice(at, at + 4 * elements))
      : memoryData('float32', [elements], new Uint8Array(new Float32Array(elements).fill(at).buffer));
  const large = model.graph.addInitializer('large', data((1 << 18) + 1, 1 << 17));
  model.graph.addInitializer('small', data(512, 4096));
  model.graph.addInitializer(
    'twice',
    derivedData(
      { dtype: 'float32', shape: [512] },
      [model.graph.addInitializer('half', data(512, 8192)).data!],
      (bytes) => {
        const values = new Float32Array(new Uint8Array(bytes).buffer);
        return new Uint8Array(values.map((v) => 2 * v).buffer);
      },
    ),
  );
  large.type = { dtype: 'float32', shape: [(1 << 18) + 1] };
  return model;
}

test('pack: small tensors first, large ones on 64 KiB, shape constants in the .onnx', async () => {
  const path = join(folder, 'm.onnx');
  const { files } = await writeModel(weightsModel(null), path, { weights: 'pack' });
  expect(files.map((f) => f.path)).toEqual([path, `${path}.data`]);
  const { model, close } = await openModel(path);
  const places = [...model.graph.initializers].map(({ name, data }) => [
    name,
    data!.stored?.origin.root.name.slice(folder.length + 1) ?? 'memory',
    data!.stored?.origin.start ?? 0,
  ]);
  expect(places).toEqual([
    ['shape', 'memory', 0],
    ['large', 'm.onnx.data', 65536],
    ['small', 'm.onnx.data', 0],
    ['half', 'm.onnx.data', 2048],
    ['twice', 'm.onnx.data', 4096],
  ]);
  expect(await fullText(model)).toBe(await fullText(weightsModel(null)));
  close();
});

describe('link', () => {
  const source = (): ReturnType<typeof fileSource> => {
    writeFileSync(
      join(folder, 'source.pt2'),
      Float32Array.from({ length: 1 << 19 }, (_, i) => i),
    );
    return fileSource(join(folder, 'source.pt2'));
  };

  test('weights stay where they lie; computed ones are embedded', async () => {
    const file = source();
    const model = weightsModel(file);
    const written = await writeModel(model, join(folder, 'linked.onnx'), { weights: 'link' });
    expect(written).toMatchObject({ weights: 'link', linked: ['source.pt2'], warnings: [] });
    expect(written.files).toHaveLength(1);
    expect(written.files[0]!.bytes).toBeLessThan(4096);
    expect(await textOf(join(folder, 'linked.onnx'))).toBe(await fullText(model));
    file.close();
  });

  test('another folder is refused with what to do', async () => {
    const file = source();
    const elsewhere = mkdtempSync(join(tmpdir(), 'ferry-onnx-'));
    const error = await writeModel(weightsModel(file), join(elsewhere, 'linked.onnx'), { weights: 'link' }).catch(
      (e: unknown) => e,
    );
    expect(isFailure(error, 'BadOption') && error.message).toContain(
      `an output in the folder of "${join(folder, 'source.pt2')}"`,
    );
    expect(readdirSync(elsewhere)).toEqual([]);
    file.close();
    rmSync(elsewhere, { recursive: true });
  });

  test('the file that holds the weights is not replaced', async () => {
    const file = source();
    await expect(writeModel(weightsModel(file), join(folder, 'source.pt2'), { weights: 'link' })).rejects.toThrow(
      'does not replace',
    );
    file.close();
  });
});

describe('when writing fails', () => {
  test('nothing is left, and what was there stays', async () => {
    const path = join(folder, 'm.onnx');
    await writeModel(weightsModel(null), path, { weights: 'embed' });
    const before = readFileSync(path);
    const model = weightsModel(null);
    model.graph.addInitializer(
      'broken',
      derivedData({ dtype: 'float32', shape: [512] }, [], () => {
        throw new Error('cannot compute');
      }),
    );
    for (const weights of ['embed', 'pack'] as const)
      await expect(writeModel(model, path, { weights })).rejects.toThrow('cannot compute');
    expect(readdirSync(folder)).toEqual(['m.onnx']);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('a folder that is not there is named', async () => {
    const error = await writeModel(weightsModel(null), join(folder, 'nowhere', 'm.onnx'), { weights: 'embed' }).catch(
      (e: unknown) => e,
    );
    expect(isFailure(error, 'FileNotFound') && error.details).toEqual({ file: join(folder, 'nowhere') });
  });

  test('an abort stops it', async () => {
    const controller = new AbortController();
    const model = weightsModel(null);
    model.graph.addInitializer(
      'last',
      derivedData({ dtype: 'float32', shape: [512] }, [], () => {
        controller.abort();
        return new Uint8Array(2048);
      }),
    );
    await expect(
      writeModel(model, join(folder, 'm.onnx'), { weights: 'embed', signal: controller.signal }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('integers beyond 2^53 keep every digit', async () => {
  const text = `<ir_version: 10, opset_import: ["": 21]>
g (float[2] x) => (float[2] y)
{
  y = Op <least = -9223372036854775808, list = [9223372036854775807, -9007199254740993, 4294967296, -1]>(x)
}
`;
  await writeModel(parseModel(text), join(folder, 'm.onnx'), { weights: 'embed' });
  expect(await textOf(join(folder, 'm.onnx'))).toBe(text);
});

test('where a node comes from is kept from IR version 10 on', async () => {
  for (const irVersion of [9, 10]) {
    const model = weightsModel(null);
    model.irVersion = irVersion;
    const [node] = model.graph.nodes;
    node!.origin = { operator: 'aten::view', module: 'layer.0', line: 'net.py:12' };
    await writeModel(model, join(folder, 'm.onnx'), { weights: 'embed' });
    const source = fileSource(join(folder, 'm.onnx'));
    const [read] = (await readModel(source)).graph.nodes;
    source.close();
    expect(read!.origin).toEqual(
      irVersion === 10 ? { operator: 'aten::view', module: 'layer.0', line: 'net.py:12' } : null,
    );
  }
});

test('weights above 2 GiB are packed, with a warning', async () => {
  const { place } = await import('../../../shared/onnx/proto/placement.ts');
  const model = parseModel('<ir_version: 10, opset_import: ["": 21]> g (float[1] x) => (float[1] y) { y = Relu(x) }');
  const huge = { ...memoryData('float32', [0], new Uint8Array(0)), byteLength: 3 * 2 ** 29 };
  for (const name of ['a', 'b']) model.graph.addInitializer(name, huge);
  const request = { weights: 'embed' as const, otherBytes: 1000, locationOf: () => null, copies: () => false };
  expect(place({ ...request, initializers: model.graph.initializers }).packed).toHaveLength(2);
  expect(place({ ...request, initializers: [...model.graph.initializers].slice(1) }).packed).toEqual([]);
});
