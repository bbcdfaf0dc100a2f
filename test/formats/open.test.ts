/** Programs torch wrote, in every layout, against what torch itself sees in them (`fixtures/pt2/expected.json`). */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { byteSource, type ByteSource, memorySource } from '../../shared/bytes/byte-source.ts';
import { openZip } from '../../shared/bytes/zip.ts';
import { zipBytes } from '../../shared/bytes/zip-write.ts';
import type { FailureCode } from '../../shared/errors.ts';
import { evaluateDim } from '../../shared/tensor/dim.ts';
import { typeText } from '../../shared/tensor/type.ts';
import { identify, openProgram } from '../../shared/formats/open.ts';
import type { TorchProgram } from '../../shared/torch/program.ts';

const FOLDER = new URL('../fixtures/pt2/', import.meta.url);
const bytesOf = (name: string): Buffer => readFileSync(new URL(name, FOLDER));
const fixture = (name: string): ByteSource => memorySource(`${name}.pt2`, bytesOf(`${name}.pt2`));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Weights {
  readonly weights: Record<string, { dtype: string; shape: number[]; sha256: string; contiguous: boolean }>;
  readonly tied: readonly (readonly string[])[];
  readonly samples: readonly string[] | null;
}
interface Expected {
  readonly containers: Weights & {
    readonly inputs: readonly (readonly string[])[];
    readonly outputs: readonly string[];
    readonly nodes: readonly (readonly [string, string])[];
    readonly values: Record<string, { dtype: string; shape: number[]; strides: number[] }>;
  };
  readonly weights: Record<string, Weights>;
}
const EXPECTED = JSON.parse(bytesOf('expected.json').toString()) as Expected;

const hints = (program: TorchProgram): Map<string, number> =>
  new Map([...program.symbols].flatMap(([name, { hint }]) => (hint === null ? [] : [[name, hint]])));

function valuesOf(program: TorchProgram): unknown {
  const sizes = hints(program);
  return Object.fromEntries(
    [...program.graph.values].flatMap(([name, value]) =>
      value.kind !== 'tensor'
        ? []
        : [
            [
              name,
              {
                dtype: value.type.dtype,
                shape: value.type.shape.map((d) => evaluateDim(d, sizes)),
                strides: value.strides.map((d) => evaluateDim(d, sizes)),
              },
            ],
          ],
    ),
  );
}

async function weightsOf(program: TorchProgram): Promise<unknown> {
  const entries = [...program.weights].map(
    async ([name, data]) =>
      [name, { dtype: data.dtype, shape: [...data.shape], sha256: sha256(await data.read()) }] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}
const withoutLayout = (weights: Weights['weights']): unknown =>
  Object.fromEntries(
    Object.entries(weights).map(([name, { dtype, shape, sha256: sha }]) => [name, { dtype, shape, sha256: sha }]),
  );

/** Names whose numbers are one object. */
function tiedIn(program: TorchProgram): string[][] {
  const groups = new Map<object, string[]>();
  for (const [name, data] of program.weights) groups.set(data.identity, [...(groups.get(data.identity) ?? []), name]);
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => group.sort())
    .sort();
}

const CONTAINERS = readdirSync(FOLDER)
  .filter((name) => name.startsWith('container_') && !name.includes('fake_weights'))
  .map((name) => name.replace('.pt2', ''));

describe.each(CONTAINERS)('%s', (name) => {
  const { containers } = EXPECTED;

  test('inputs, outputs and operators are those torch loads', async () => {
    const { inputs, outputs, graph } = await openProgram(fixture(name));
    expect(
      inputs.map((input) => ('key' in input ? [input.kind, input.name, input.key] : [input.kind, input.name])),
    ).toEqual(containers.inputs);
    expect(outputs.map(({ value }) => ('name' in value ? value.name : value.kind))).toEqual(containers.outputs);
    expect(graph.nodes.map((node) => [node.name, node.target])).toEqual(containers.nodes);
  });

  test('types, strides and symbols too', async () => {
    const program = await openProgram(fixture(name));
    expect(valuesOf(program)).toEqual(containers.values);
    expect([...program.symbols].sort()).toEqual([
      ['s53', { min: 2, max: null, hint: 6 }],
      ['s77', { min: 2, max: null, hint: 2 }],
    ]);
    expect(program.graph.values.get('x')).toMatchObject({ type: { dtype: 'float32' } });
    expect(typeText((program.graph.values.get('x') as { type: Parameters<typeof typeText>[0] }).type)).toBe(
      'float32[s77,3,s53,6]',
    );
  });

  test('weights have the bytes torch reads, tied ones once', async () => {
    const program = await openProgram(fixture(name));
    expect(await weightsOf(program)).toEqual(withoutLayout(containers.weights));
    expect(tiedIn(program)).toEqual(containers.tied);
    // All of them are small: later stages can fold them.
    expect([...program.weights.values()].every((data) => data.memory !== null)).toBe(true);
  });

  test('sample inputs', async () => {
    const samples = await (await openProgram(fixture(name))).sampleInputs();
    const hasNone = name === 'container_flat_2_1' || name === 'container_no_sample_inputs';
    expect(samples && (await Promise.all(samples.map(async (data) => data && sha256(await data.read()))))).toEqual(
      hasNone ? null : containers.samples,
    );
  });

  test('is identified', async () => {
    expect((await identify(fixture(name))).format).toBe(
      name.startsWith('container_flat') ? 'torch.export flat zip' : 'torch.export archive',
    );
  });
});

describe('weights', () => {
  test.each(Object.entries(EXPECTED.weights))('%s', async (name, { weights, tied, samples }) => {
    const program = await openProgram(fixture(name));
    expect(await weightsOf(program)).toEqual(withoutLayout(weights));
    expect(tiedIn(program)).toEqual(tied);
    expect(
      await Promise.all(((await program.sampleInputs()) ?? []).map(async (data) => data && sha256(await data.read()))),
    ).toEqual(samples);
    for (const [fqn, data] of program.weights) {
      expect([fqn, data.stored !== null]).toEqual([fqn, weights[fqn]!.contiguous]);
      const { stored } = data;
      if (stored) {
        const { root, start } = stored.origin;
        expect(sha256(await root.slice(start, start + stored.size).read())).toBe(weights[fqn]!.sha256);
      }
    }
  });

  test('compressed ones are nowhere as they are', async () => {
    for (const name of ['container_rezipped_deflate', 'container_flat_deflated']) {
      expect([...(await openProgram(fixture(name))).weights.values()].every((data) => data.stored === null)).toBe(true);
    }
  });
});

test('a small program takes four reads', async () => {
  const bytes = bytesOf('container_2_13.pt2');
  let reads = 0;
  await openProgram(
    byteSource('counted.pt2', bytes.length, async (start, end) => (reads++, bytes.subarray(start, end))),
  );
  expect(reads).toBeLessThanOrEqual(4);
});

describe('what the file says of itself', () => {
  const producers: readonly (readonly [string, TorchProgram['producer']])[] = [
    ['container_2_13', { format: 'torch.export archive', torchVersion: '2.13.0+cpu', schemaVersion: '8.20' }],
    ['container_flat_2_7', { format: 'torch.export flat zip', torchVersion: '2.13.0+cpu', schemaVersion: '8.7' }],
  ];
  test.each(producers)('%s', async (name, producer) =>
    expect((await openProgram(fixture(name))).producer).toEqual(producer),
  );

  test('nodes know their module and line', async () => {
    const { graph } = await openProgram(fixture('container_2_13'));
    expect(graph.nodes.find((node) => node.name === 'conv2d')!.source).toEqual({
      module: 'conv',
      moduleClass: 'torch.nn.modules.conv.Conv2d',
      line: expect.stringMatching(/^[\w.]+\.py:\d+$/),
    });
    expect(graph.nodes.find((node) => node.name === 'mean')!.source).toEqual({
      module: '',
      moduleClass: '__main__.Tiny',
      line: 'make_special.py:440',
    });
    const bare = await openProgram(fixture('container_empty_metadata'));
    expect(bare.graph.nodes[0]!.source).toEqual({ module: '', moduleClass: null, line: null });
  });

  test('a second model is mentioned', async () => {
    expect((await openProgram(fixture('container_two_models'))).warnings).toEqual([
      'the archive holds 2 models; "model" is read, not "second"',
    ]);
  });
});

describe('archives changed by hand', () => {
  const change = async (name: string, edit: (records: Map<string, Uint8Array>) => void): Promise<ByteSource> => {
    const zip = await openZip(fixture(name));
    const records = new Map<string, Uint8Array>();
    for (const entry of zip.entries) records.set(entry.name.slice(entry.name.indexOf('/') + 1), await entry.read());
    edit(records);
    return memorySource(name, zipBytes([...records].map(([key, bytes]) => [`root/${key}`, bytes] as const)));
  };
  const program = (records: Map<string, Uint8Array>): Record<string, unknown> =>
    JSON.parse(Buffer.from(records.get('models/model.json')!).toString()) as Record<string, unknown>;

  test('the only model is read whatever its name', async () => {
    const source = await change('container_two_models', (records) => {
      for (const key of [...records.keys()]) if (/(^|\/)model(_|\.)/.test(key)) records.delete(key);
    });
    const opened = await openProgram(source);
    expect(opened.graph.nodes.length).toBeGreaterThan(0);
    expect(opened.warnings).toEqual([]);
  });

  test('several without a main one are listed', async () => {
    const source = await change('container_two_models', (records) => {
      records.set('models/third.json', records.get('models/model.json')!);
      records.delete('models/model.json');
    });
    await expect(openProgram(source)).rejects.toMatchObject({
      name: 'UnsupportedFormat',
      message: expect.stringMatching(/"second", "third"/),
    });
  });

  test('big-endian numbers', async () => {
    await expect(
      openProgram(await change('container_2_13', (records) => records.set('byteorder', Buffer.from('big')))),
    ).rejects.toMatchObject({ name: 'UnsupportedFormat', message: expect.stringMatching(/big-endian/) });
  });

  test('a weight of another shape than the graph has', async () => {
    const source = await change('container_2_13', (records) => {
      const config = JSON.parse(Buffer.from(records.get('data/weights/model_weights_config.json')!).toString()) as {
        config: Record<string, { tensor_meta: { sizes: { as_int: number }[] } }>;
      };
      config.config['bn.weight']!.tensor_meta.sizes[0]!.as_int = 3;
      records.set('data/weights/model_weights_config.json', Buffer.from(JSON.stringify(config)));
    });
    await expect(openProgram(source)).rejects.toMatchObject({
      name: 'CorruptModel',
      details: { where: 'weight "bn.weight"', reason: 'the graph expects float32[4], the file holds float32[3]' },
    });
  });

  test('the JSON alone, of a program without weights', async () => {
    const json = await exported({
      nodes: [
        {
          target: 'torch.ops.aten.relu.default',
          inputs: [{ name: 'self', arg: { as_tensor: { name: 'x' } } }],
          outputs: [{ as_tensor: { name: 'y' } }],
          metadata: {},
        },
      ],
    });
    const opened = await openProgram(memorySource('program.json', json));
    expect(opened.graph.nodes[0]!.target).toBe('aten::relu');
    expect(opened.producer).toEqual({ format: 'torch.export JSON', torchVersion: null, schemaVersion: '8.20' });
    expect(await opened.sampleInputs()).toBeNull();
  });

  test('the JSON alone, of a program with weights', async () => {
    let json = new Uint8Array();
    await change('container_2_13', (records) => {
      json = new Uint8Array(records.get('models/model.json')!);
    });
    await expect(openProgram(memorySource('model.json', json))).rejects.toMatchObject({ name: 'NoWeights' });
  });

  test('schema of torch 2.1', async () => {
    const source = await change('container_2_13', (records) => {
      const json = program(records) as {
        graph_module: { graph: { tensor_values: Record<string, unknown> }; signature: unknown };
      };
      const { containers } = EXPECTED;
      const map = (kind: string): Record<string, string> =>
        Object.fromEntries(containers.inputs.filter(([k]) => k === kind).map(([, name, fqn]) => [name!, fqn!]));
      json.graph_module.signature = {
        inputs_to_parameters: map('parameter'),
        inputs_to_buffers: { ...map('buffer'), ...map('constant') },
        user_inputs: ['x'],
        user_outputs: containers.outputs,
        buffers_to_mutate: {},
        backward_signature: null,
      };
      for (const [name, meta] of Object.entries(json.graph_module.graph.tensor_values))
        json.graph_module.graph.tensor_values[name] = { meta };
      records.set('models/model.json', Buffer.from(JSON.stringify(json)));
    });
    const opened = await openProgram(source);
    expect(valuesOf(opened)).toEqual(EXPECTED.containers.values);
    expect(opened.inputs.map((input) => input.name)).toEqual(EXPECTED.containers.inputs.map(([, name]) => name));
  });
});

/** A program with one input `x` and one output `y`, with the given parts in place of the plain ones. */
async function exported(parts: { nodes: unknown[]; values?: Record<string, unknown> }): Promise<Buffer> {
  const meta = {
    dtype: 7,
    sizes: [{ as_int: 2 }],
    requires_grad: false,
    device: { type: 'cpu', index: null },
    strides: [{ as_int: 1 }],
    storage_offset: { as_int: 0 },
    layout: 7,
  };
  return Buffer.from(
    JSON.stringify({
      graph_module: {
        graph: {
          inputs: [{ as_tensor: { name: 'x' } }],
          outputs: [{ as_tensor: { name: 'y' } }],
          nodes: parts.nodes,
          tensor_values: { x: meta, y: meta, ...parts.values },
          sym_int_values: {},
          sym_bool_values: {},
        },
        signature: {
          input_specs: [{ user_input: { arg: { as_tensor: { name: 'x' } } } }],
          output_specs: [{ user_output: { arg: { as_tensor: { name: 'y' } } } }],
        },
      },
      opset_version: { aten: 10 },
      range_constraints: {},
      schema_version: { major: 8, minor: 20 },
    }),
  );
}

const SAVED = new URL('../fixtures/torch-save/', import.meta.url);
const saved = (name: string): Buffer => readFileSync(new URL(name, SAVED));
const onnx = Buffer.from([0x08, 0x0a, 0x12, 0x07, ...Buffer.from('pytorch')]);

describe('files that are something else', () => {
  const cases: readonly (readonly [string, () => Uint8Array, FailureCode, string, RegExp])[] = [
    [
      'a state dict',
      () => readFileSync(new URL('../fixtures/quantized-state-dicts/prepared.pt', import.meta.url)),
      'UnsupportedFormat',
      'torch.save checkpoint',
      /a checkpoint of 16 tensors: it holds weights without a graph; load it into its model/,
    ],
    [
      'a quantized state dict',
      () => saved('protocol4.pt'),
      'UnsupportedFormat',
      'quantized state dict',
      /a checkpoint of 27 tensors, 2 of them quantized: .* goes with the FP32 model it was made from: name it/,
    ],
    [
      'a training checkpoint with one',
      () => saved('values.pt'),
      'UnsupportedFormat',
      'quantized state dict',
      /2 of them quantized: it holds weights without a graph/,
    ],
    [
      'an INT8 model of Neural Compressor',
      () => readFileSync(new URL('../fixtures/inc/digits_cnn-static/best_model.pt', import.meta.url)),
      'UnsupportedFormat',
      'Neural Compressor model',
      /goes with the FP32 model it was made from: name it <model>\.int8\.pt beside <model>\.pt2 \(or \.onnx\)/,
    ],
    [
      'a pickled module',
      () => saved('module.pt'),
      'UnsupportedFormat',
      'torch.save module',
      /Python class my_package\.net\.Net, not a graph; export the model/,
    ],
    [
      'a checkpoint of old torch',
      () => saved('legacy.pt'),
      'UnsupportedFormat',
      'torch.save (legacy)',
      /torch before 1\.6.*no graph/,
    ],
    [
      'TorchScript',
      () => saved('torchscript.pt'),
      'UnsupportedFormat',
      'TorchScript',
      /TorchScript.*torch\.export\.save/,
    ],
    [
      'a compiled package',
      () => bytesOf('broken_aoti_only.pt2'),
      'UnsupportedFormat',
      'AOTInductor package',
      /machine code/,
    ],
    [
      'a package of Python code',
      () =>
        zipBytes([
          ['pkg/.data/extern_modules', Buffer.from('torch')],
          ['pkg/model/model.pkl', Buffer.from('')],
        ]),
      'UnsupportedFormat',
      'torch.package',
      /torch\.package/,
    ],
    [
      'arrays',
      () => readFileSync(new URL('../fixtures/npz/stored.npz', import.meta.url)),
      'UnsupportedFormat',
      'npz',
      /NumPy archive/,
    ],
    [
      'some zip archive',
      () => zipBytes([['a.txt', Buffer.from('a')]]),
      'UnsupportedFormat',
      'zip',
      /without a PyTorch program/,
    ],
    [
      'an archive of another format',
      () =>
        zipBytes([
          ['r/archive_format', Buffer.from('xyz')],
          ['r/models/model.json', Buffer.from('{}')],
        ]),
      'UnsupportedFormat',
      '',
      /format "xyz"/,
    ],
    ['ONNX', () => onnx, 'UnsupportedFormat', 'ONNX', /ONNX model already/],
    [
      'safetensors',
      () => Buffer.concat([Buffer.from([10, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{"a":{}}  ')]),
      'UnsupportedFormat',
      'safetensors',
      /weights without a graph/,
    ],
    ['GGUF', () => Buffer.from('GGUF\x03\0\0\0'), 'UnsupportedFormat', 'GGUF', /GGUF/],
    ['PyTorch Mobile', () => Buffer.from('\x20\0\0\0PTMF'), 'UnsupportedFormat', 'PyTorch Mobile', /flatbuffer/],
    ['ExecuTorch', () => Buffer.from('\x20\0\0\0ET12'), 'UnsupportedFormat', 'ExecuTorch', /compiled for a device/],
    ['HDF5', () => Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), 'UnsupportedFormat', 'HDF5', /HDF5/],
    ['gzip', () => Buffer.from([0x1f, 0x8b, 8, 0]), 'UnsupportedFormat', 'gzip', /unpack it/],
    [
      'tar',
      () => Buffer.concat([Buffer.alloc(257, 'a'), Buffer.from('ustar\0')]),
      'UnsupportedFormat',
      'tar',
      /unpack it/,
    ],
    [
      'the tar of torch 0.1',
      () => Buffer.from(`sys_info\0${'\0'.repeat(100)}`),
      'UnsupportedFormat',
      'torch.save (tar)',
      /tar format of torch 0\.1/,
    ],
    ['a pickle', () => Buffer.from([0x80, 0x04, 0x4e, 0x2e]), 'UnsupportedFormat', 'pickle', /Python pickle/],
    ['a web page', () => Buffer.from('\n<!DOCTYPE html><html><head>'), 'UnsupportedFormat', 'HTML', /web page/],
    [
      'the error of an object store',
      () => Buffer.from('<?xml version="1.0"?><Error><Code>AccessDenied'),
      'UnsupportedFormat',
      'XML',
      /XML/,
    ],
    [
      'a Git LFS pointer',
      () => Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
      'UnsupportedFormat',
      'git-lfs',
      /git lfs pull/,
    ],
    ['text', () => Buffer.from('this is no model\n'), 'UnsupportedFormat', 'text', /text file/],
    ['other JSON', () => Buffer.from('{"version": 1}'), 'UnsupportedFormat', 'text', /text file/],
    ['nothing', () => Buffer.alloc(0), 'UnsupportedFormat', 'empty', /empty file/],
    ['random bytes', () => Buffer.from('d3a1f09b7c3355aa01', 'hex'), 'UnsupportedFormat', 'unknown', /no format known/],
    [
      'a program of fake tensors',
      () => bytesOf('container_fake_weights.pt2'),
      'NoWeights',
      'torch.export archive',
      /carries no weights/,
    ],
    [
      'a program without one of its weights',
      () => bytesOf('broken_missing_weight.pt2'),
      'CorruptModel',
      'torch.export archive',
      /weight "bn\.weight": its record "data\/weights\/weight_1" is missing/,
    ],
    [
      'a program with a short weight',
      () => bytesOf('broken_short_weight.pt2'),
      'CorruptModel',
      'torch.export archive',
      /weight "conv\.weight": float32\[4,3,3,3\] needs 432 bytes, its storage has 428/,
    ],
    ['half a program', () => bytesOf('container_2_13.pt2').subarray(0, 20_000), 'CorruptArchive', '', /cut short/],
    ['a pickle that calls os.system', () => saved('os-system.pt'), 'UnsafePickle', '', /posix\.system/],
  ];
  test.each(cases)('%s', async (_, make, code, format, message) => {
    const source = memorySource('upload.bin', make());
    await expect(openProgram(source)).rejects.toMatchObject({ name: code, message: expect.stringMatching(message) });
    if (format) expect((await identify(source)).format).toBe(format);
    else await expect(identify(source)).rejects.toMatchObject({ name: code });
  });
});
