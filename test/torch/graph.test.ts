/** The JSON of a program: every kind of argument, names, places, and complaints that say where. */
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../shared/bytes/byte-source.ts';
import { modulePath } from '../../shared/torch/exported/source.ts';
import { operatorName } from '../../shared/torch/exported/target.ts';
import { openProgram } from '../../shared/formats/open.ts';
import type { Argument, TorchProgram } from '../../shared/torch/program.ts';

const META =
  '{"dtype":7,"sizes":[{"as_int":2}],"requires_grad":false,"device":{"type":"cpu"},"strides":[{"as_int":1}],"storage_offset":{"as_int":0},"layout":7}';

interface Parts {
  readonly arg?: string;
  readonly node?: string;
  readonly values?: string;
  readonly symbols?: string;
  readonly input?: string;
  readonly signature?: string;
  readonly outputs?: string;
}

/** A program of one node, with parts of its JSON text in the test's hand. */
function program(parts: Parts): Promise<TorchProgram> {
  const node =
    parts.node ??
    `{"target":"torch.ops.aten.f.default","inputs":[{"name":"a","arg":${parts.arg ?? '{"as_none":true}'}}],"outputs":[{"as_tensor":{"name":"y"}}],"metadata":{}}`;
  const text = `{"graph_module":{"graph":{"inputs":[{"as_tensor":{"name":"x"}}${parts.input ?? ''}],"outputs":[${parts.outputs ?? '{"as_tensor":{"name":"y"}}'}],"nodes":[${node}],
    "tensor_values":{"x":${META},"y":${META}${parts.values ?? ''}},"sym_int_values":{"n":{"as_expr":{"expr_str":"Symbol('s0')","hint":{"as_int":5}}}},"sym_bool_values":{"p":{"as_bool":true}},"sym_float_values":{"q":{"as_float":0.5}}},
    "signature":{"input_specs":[{"user_input":{"arg":{"as_tensor":{"name":"x"}}}}${parts.signature ?? ''}],"output_specs":[{"user_output":{"arg":${parts.outputs ?? '{"as_tensor":{"name":"y"}}'}}}]}},
    "range_constraints":{${parts.symbols ?? ''}},"schema_version":{"major":8,"minor":20}}`;
  return openProgram(memorySource('program.json', Buffer.from(text)));
}

const int = (value: number | bigint): Argument => ({ kind: 'int', value });
const float = (value: number): Argument => ({ kind: 'float', value });
const list = (...items: readonly Argument[]): Argument => ({ kind: 'list', items });
const tensors = (...names: readonly (string | null)[]): Argument => ({ kind: 'tensors', names });

describe('arguments', () => {
  // Tags of torch/_export/serde/schema.py, schema 8.20, and how older ones were written.
  const cases: readonly (readonly [string, Argument])[] = [
    ['{"as_none":true}', { kind: 'none' }],
    ['{"as_none":[]}', { kind: 'none' }],
    ['{"as_tensor":{"name":"x"}}', { kind: 'tensor', name: 'x' }],
    ['{"as_tensors":[{"name":"x"},{"name":"x"}]}', tensors('x', 'x')],
    ['{"as_optional_tensor":{"as_tensor":{"name":"x"}}}', { kind: 'tensor', name: 'x' }],
    ['{"as_optional_tensor":{"as_none":true}}', { kind: 'none' }],
    ['{"as_optional_tensors":[{"as_none":true},{"as_tensor":{"name":"x"}}]}', tensors(null, 'x')],
    ['{"as_optional_tensors":[{"as_tensor":"x"},{"as_none":[]}]}', tensors('x', null)],
    ['{"as_nested_tensors":[[{"name":"x"}],[]]}', list(tensors('x'), tensors())],
    ['{"as_int":-3}', int(-3)],
    ['{"as_int":9223372036854775807}', int(9223372036854775807n)],
    ['{"as_int":-9223372036854775808}', int(-9223372036854775808n)],
    ['{"as_int":9007199254740993}', int(9007199254740993n)],
    ['{"as_ints":[0,9223372036854775807]}', list(int(0), int(9223372036854775807n))],
    ['{"as_int_lists":[[1,2],[]]}', list(list(int(1), int(2)), list())],
    ['{"as_float":1}', float(1)],
    ['{"as_float":"Infinity"}', float(Infinity)],
    ['{"as_floats":[0.5,"-Infinity","NaN"]}', list(float(0.5), float(-Infinity), float(Number.NaN))],
    ['{"as_float_lists":[[0.5]]}', list(list(float(0.5)))],
    ['{"as_complex":{"real":1.5,"imag":"Infinity"}}', { kind: 'complex', value: [1.5, Infinity] }],
    ['{"as_bool":false}', { kind: 'bool', value: false }],
    ['{"as_bools":[true]}', list({ kind: 'bool', value: true })],
    ['{"as_string":"none"}', { kind: 'string', value: 'none' }],
    ['{"as_strings":["a","b"]}', list({ kind: 'string', value: 'a' }, { kind: 'string', value: 'b' })],
    ['{"as_sym_int":{"as_name":"n"}}', { kind: 'symint', name: 'n' }],
    ['{"as_sym_int":{"as_int":4}}', int(4)],
    ['{"as_sym_ints":[{"as_name":"n"},{"as_int":-1}]}', list({ kind: 'symint', name: 'n' }, int(-1))],
    ['{"as_sym_bool":{"as_name":"p"}}', { kind: 'symbool', name: 'p' }],
    ['{"as_sym_bools":[{"as_bool":true}]}', list({ kind: 'bool', value: true })],
    ['{"as_sym_float":{"as_name":"q"}}', { kind: 'symfloat', name: 'q' }],
    ['{"as_sym_floats":[{"as_float":0.25}]}', list(float(0.25))],
    ['{"as_scalar_type":7}', { kind: 'dtype', value: 'float32' }],
    ['{"as_scalar_type":"BFLOAT16"}', { kind: 'dtype', value: 'bfloat16' }],
    ['{"as_scalar_type":33}', { kind: 'dtype', value: 'float8e8m0fnu' }],
    ['{"as_memory_format":2}', { kind: 'memory_format', value: 'channels_last' }],
    ['{"as_layout":7}', { kind: 'layout', value: 'strided' }],
    ['{"as_layout":"SparseCsr"}', { kind: 'layout', value: 'sparse_csr' }],
    ['{"as_device":{"type":"cuda","index":1}}', { kind: 'device', value: 'cuda:1' }],
    ['{"as_device":{"type":"cpu","index":null}}', { kind: 'device', value: 'cpu' }],
    ['{"as_operator":"torch.ops.aten.add.Tensor"}', { kind: 'operator', value: 'aten::add.Tensor' }],
    ['{"as_custom_obj":{"name":"obj","class_fqn":"a.B"}}', { kind: 'object', name: 'obj' }],
    ['{"as_string_to_argument":{"k":{"as_int":1}}}', list(list({ kind: 'string', value: 'k' }, int(1)))],
    ['{"as_int":1,"as_float":null}', int(1)],
  ];
  test.each(cases)('%s', async (arg, expected) => {
    const input = ',{"as_sym_int":{"as_name":"n"}},{"as_sym_bool":{"as_name":"p"}},{"as_sym_float":{"as_name":"q"}}';
    const signature = input.replaceAll('{"as_sym', '{"user_input":{"arg":{"as_sym').replaceAll('"}}', '"}}}}');
    const { graph } = await program({ arg, input, signature });
    expect(graph.nodes[0]!.args).toEqual([{ name: 'a', value: expected }]);
  });

  test('a graph has values of its own', async () => {
    const inner = `{"inputs":[{"as_tensor":{"name":"x"}}],"outputs":[{"as_tensor":{"name":"x"}}],"nodes":[],"tensor_values":{"x":${META}},"sym_int_values":{},"sym_bool_values":{}}`;
    const { graph } = await program({ arg: `{"as_graph":{"name":"true_graph_0","graph":${inner}}}` });
    expect(graph.nodes[0]!.args[0]!.value).toMatchObject({
      kind: 'graph',
      graph: { inputs: [{ kind: 'tensor', name: 'x' }] },
    });
  });
});

describe('names of operators', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['torch.ops.aten.add.Tensor', 'aten::add.Tensor'],
    ['torch.ops.aten.conv2d.default', 'aten::conv2d'],
    ['torch.ops.aten.__and__.Tensor', 'aten::__and__.Tensor'],
    ['torch.ops.higher_order.cond', 'higher_order::cond'],
    ['torch.ops.torchvision.nms.default', 'torchvision::nms'],
    ['torch.ops.quantized_decomposed.quantize_per_tensor.default', 'quantized_decomposed::quantize_per_tensor'],
    ['_operator.add', '_operator::add'],
    ['math.ceil', 'math::ceil'],
    ['torch.sym_max', 'torch::sym_max'],
  ];
  test.each(cases)('%s', (target, expected) => expect(operatorName(target)).toBe(expected));
});

describe('module paths', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['', ''],
    ['layer1.0.conv1', 'layer1.0.conv1'],
    ['transformer.h.0@1', 'transformer.h.0'],
    ["L['self']", ''],
    ["L['self'].x", 'x'],
    ["L['self'].layers[0].conv", 'layers.0.conv'],
    ["L['self']._modules['head']", 'head'],
    ["getattr(getattr(L['self'].blocks, '0').layer, '1')", 'blocks.0.layer.1'],
    ['L__self__', ''],
    ['L__self___fc', 'fc'],
  ];
  test.each(cases)('%s', (path, expected) => expect(modulePath(path)).toBe(expected));
});

describe('inputs that are no tensors', () => {
  const cases: readonly (readonly [string, string, Argument])[] = [
    ['{"as_none":true}', '{"constant_input":{"name":"mask","value":{"as_none":true}}}', { kind: 'none' }],
    ['{"as_int":3}', '{"constant_input":{"name":"mask","value":{"as_int":3}}}', int(3)],
    [
      '{"as_string":"mean"}',
      '{"constant_input":{"name":"mask","value":{"as_string":"mean"}}}',
      { kind: 'string', value: 'mean' },
    ],
  ];
  test.each(cases)('%s', async (input, signature, value) => {
    const { inputs } = await program({ input: `,${input}`, signature: `,${signature}` });
    expect(inputs[1]).toEqual({ kind: 'user', name: 'mask', value });
  });
});

test('ranges of symbols', async () => {
  const symbols =
    '"s0":{"min_val":2,"max_val":null},"u0":{"min_val":0,"max_val":9223372036854775806},"2*s0":{"min_val":4,"max_val":8}';
  expect([...(await program({ symbols })).symbols]).toEqual([
    ['s0', { min: 2, max: null, hint: 5 }],
    ['u0', { min: 0, max: null, hint: null }],
  ]);
});

describe('a complaint says where', () => {
  const node = (
    inputs: string,
    outputs = '{"as_tensor":{"name":"y"}}',
    target = '"torch.ops.aten.f.default"',
  ): string => `{"target":${target},"inputs":[${inputs}],"outputs":[${outputs}],"metadata":{}}`;
  const cases: readonly (readonly [string, Parts, string, RegExp])[] = [
    [
      'an unknown kind of argument',
      { arg: '{"as_wonder":1}' },
      'nodes[0].inputs[0].arg',
      /"as_wonder" is no kind of argument/,
    ],
    [
      'a name of JavaScript as kind',
      { arg: '{"constructor":1}' },
      'nodes[0].inputs[0].arg',
      /"constructor" is no kind/,
    ],
    ['two kinds', { arg: '{"as_int":1,"as_float":2}' }, 'nodes[0].inputs[0].arg', /one key/],
    ['text for an integer', { arg: '{"as_int":"1"}' }, 'nodes[0].inputs[0].arg.as_int', /expected an integer, found 1/],
    ['a fraction for an integer', { arg: '{"as_int":1.5}' }, 'nodes[0].inputs[0].arg.as_int', /expected an integer/],
    ['an unknown dtype', { arg: '{"as_scalar_type":99}' }, 'nodes[0].inputs[0].arg.as_scalar_type', /99 is no dtype/],
    [
      'a value that is not there',
      { arg: '{"as_tensor":{"name":"z"}}' },
      'nodes[0].inputs[0]',
      /"z" is used before it is defined/,
    ],
    [
      'a value used before it is made',
      { arg: '{"as_tensor":{"name":"y"}}' },
      'nodes[0].inputs[0]',
      /"y" is used before/,
    ],
    [
      'a value made twice',
      { node: node('', '{"as_tensor":{"name":"x"}}') },
      'nodes[0].outputs[0]',
      /"x" is defined twice/,
    ],
    [
      'a value without type',
      { node: node('', '{"as_tensor":{"name":"z"}}') },
      'nodes[0].outputs[0]',
      /no type is recorded for "z"/,
    ],
    [
      'a number recorded, a tensor made',
      { node: node('', '{"as_tensor":{"name":"n"}}') },
      'nodes[0].outputs[0]',
      /used as tensor, recorded as symint/,
    ],
    [
      'a node that returns text',
      { node: node('', '{"as_string":"s"}') },
      'nodes[0].outputs[0]',
      /cannot return string/,
    ],
    [
      'a node without target',
      { node: node('', '{"as_tensor":{"name":"y"}}', 'null') },
      'nodes[0].target',
      /expected a string, found null/,
    ],
    ['nodes that are no list', { node: '], "nodes": 3, "z": [' }, 'graph.nodes', /expected a list/],
    ['a negative size', { values: `,"z":${META.replace('"as_int":2', '"as_int":-2')}` }, 'tensor_values.z', /negative/],
    [
      'more sizes than strides',
      { values: `,"z":${META.replace('[{"as_int":2}]', '[{"as_int":2},{"as_int":2}]')}` },
      'tensor_values.z',
      /2 sizes, but 1 strides/,
    ],
    [
      'half an expression',
      { values: `,"z":${META.replace('"as_int":2', '"as_expr":{"expr_str":"Add(s0"}')}` },
      'as_expr.expr_str',
      /no expression/,
    ],
    ['fewer specs than inputs', { input: ',{"as_none":true}' }, 'signature.input_specs', /1 specs for 2 values/],
    [
      'a spec for another input',
      { input: ',{"as_none":true}', signature: ',{"unknown_input":{}}' },
      'signature.input_specs[1]',
      /"unknown_input" is no kind/,
    ],
  ];
  test.each(cases)('%s', async (_, parts, where, reason) => {
    await expect(program(parts)).rejects.toMatchObject({
      name: 'CorruptModel',
      details: { where: expect.stringContaining(where), reason: expect.stringMatching(reason) },
    });
  });

  test('sparse inputs have a code of their own', async () => {
    await expect(
      program({
        values: `,"s":${META.replace('"layout":7', '"layout":1')}`,
        input: ',{"as_tensor":{"name":"s"}}',
        signature: ',{"user_input":{"arg":{"as_tensor":{"name":"s"}}}}',
      }),
    ).rejects.toMatchObject({ name: 'UnsupportedType' });
  });
});
