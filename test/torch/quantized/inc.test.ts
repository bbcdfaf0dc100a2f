/** Every best_model.pt against `modules.json`, what PyTorch says of the same model. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { affineOf } from '../../../shared/torch/quantized/affine.ts';
import type { QuantizedModel } from '../../../shared/torch/quantized/quantized-model.ts';
import { float32, numbers, readFrom, weightFacts } from './rows.ts';

const SMALL = join(import.meta.dirname, '../../fixtures/inc');
const WHOLE = join(import.meta.dirname, '../../../../shared/fixtures/inc');

interface Scalars {
  readonly scale: number;
  readonly zero_point: number;
}
interface Facts {
  readonly modules: Readonly<Record<string, ModuleFacts>>;
  readonly graph: readonly NodeFacts[];
}
interface ModuleFacts {
  readonly kind: string;
  readonly weight?: {
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly codes_sha256: string;
    readonly axis: number;
    readonly scales: readonly number[];
    readonly zero_points: readonly number[];
  } | null;
  readonly bias?: readonly number[] | null;
  readonly output?: Scalars | null;
  readonly input: Scalars | null;
}
interface NodeFacts {
  readonly name: string;
  readonly op: string;
  readonly target: string;
  readonly args: readonly string[];
  readonly value?: number;
  readonly output?: Partial<Scalars>;
}

const modelsIn = (root: string): string[] => globSync('**/best_model.pt', { cwd: root }).sort();
const factsOf = (path: string): Facts => JSON.parse(readFileSync(join(dirname(path), 'modules.json'), 'utf8')) as Facts;

/** The end of a kind such as `torch.ao.nn.intrinsic.quantized.modules.conv_relu.ConvReLU2d`. */
const OPERATORS: Readonly<Record<string, string>> = {
  ConvReLU2d: 'conv2d',
  Linear: 'linear',
  LinearReLU: 'linear',
  LayerNorm: 'layer_norm',
  Embedding: 'embedding_byte',
};

function modeOf(kind: string): string {
  if (kind.includes('.dynamic.')) return 'dynamic';
  return kind.endsWith('.Embedding') ? 'weight-only' : 'static';
}

const scalars = (value: QuantizedModel['values'][number]['qparams'] | null | undefined): Scalars | null => {
  const affine = value ? affineOf(value) : null;
  return affine && { scale: affine.scale, zero_point: affine.zeroPoint };
};

async function compareModules(model: QuantizedModel, { modules }: Facts): Promise<void> {
  // Depth first, as nested modules lie together in a state dict.
  expect(model.modules.map(({ module }) => module)).toEqual(Object.keys(modules));
  for (const row of model.modules) {
    const { kind, weight = null, bias = null, output = null, input } = modules[row.module]!;
    expect({ module: row.module, operator: row.operator, mode: row.mode }).toEqual({
      module: row.module,
      operator: OPERATORS[kind.split('.').at(-1)!],
      mode: modeOf(kind),
    });
    expect(row.weight && (await weightFacts(row.weight))).toEqual(
      weight && {
        dtype: weight.dtype.replace('torch.q', ''),
        shape: weight.shape,
        sha256: weight.codes_sha256,
        axis: weight.axis,
        scales: float32(weight.scales),
        zeroPoints: weight.zero_points,
      },
    );
    expect(row.bias && (await numbers(row.bias))).toEqual(bias);
    expect(scalars(row.output)).toEqual(output);
    if (row.sources.input !== null && row.sources.input !== 'scale_info') expect(scalars(row.inputs[0])).toEqual(input);
  }
}

/** Scales that the graph reads as attributes, and the node that is rounded with each. */
function compareValues(model: QuantizedModel, { graph }: Facts): void {
  const attributes = graph.filter(
    ({ op, value, name }) => op === 'get_attr' && value !== undefined && /_scale_\d+$/.test(name),
  );
  expect(model.values.map(({ name }) => name)).toEqual(attributes.map(({ target }) => target));
  for (const { name, qparams, place } of model.values) {
    const node = graph.find(({ args }) => args.includes(name))!;
    const { scale, zero_point } = node.output as Scalars;
    expect({ name, ...scalars(qparams) }).toEqual({ name, scale, zero_point });
    // What enters from outside has no module that made it, and is named after its reader.
    const source = graph.find((other) => other.name === node.args[0]);
    if (place === 'input') expect(node.target).toBe('torch.quantize_per_tensor');
    if (source?.op === 'placeholder') expect(place).toBe('input');
  }
}

async function compare(path: string): Promise<void> {
  const model = await readFrom(path);
  const facts = factsOf(path);
  await compareModules(model, facts);
  compareValues(model, facts);
  expect(model.approach).toBe(/-(static|dynamic|qat)\//.exec(path)![1]);
  expect(model.reduceRange).toBe(false);
  expect(model.unread).toEqual([]);
  const called = facts.graph.filter(({ op }) => op === 'call_module').map(({ target }) => target);
  expect(called.filter((target) => !model.paths.includes(target))).toEqual([]);
  expect(model.float.map(({ module }) => module).filter((module) => module in facts.modules)).toEqual([]);
}

describe('a few of each kind', () => {
  test.each(modelsIn(SMALL))('%s', (path) => compare(join(SMALL, path)));
});

describe('all fixtures', () => {
  if (!existsSync(WHOLE)) {
    test.skip(`skipped: there is no ${WHOLE}`, () => {});
    return;
  }
  test.each(modelsIn(WHOLE))('%s', (path) => compare(join(WHOLE, path)));
});

test('what stayed float: weights, names and classes where the file has them', async () => {
  const cnn = await readFrom(join(SMALL, 'digits_cnn-dynamic/best_model.pt'));
  expect(cnn.float).toEqual([
    { module: 'conv1.0', type: null, parameters: ['weight', 'bias'] },
    { module: 'conv2.0', type: null, parameters: ['weight', 'bias'] },
  ]);
  const tokens = await readFrom(join(SMALL, 'token_classifier-static/inc26/best_model.fallback.pt'));
  expect(tokens.float).toEqual([
    { module: '', type: null, parameters: ['pos'] },
    { module: 'emb', type: 'Embedding', parameters: ['weight'] },
  ]);
  expect(tokens.modules.map(({ module }) => module)).toEqual(['fc1', 'fc2', 'head']);
});

test('graph values say where they stand', async () => {
  const { values } = await readFrom(join(SMALL, 'digits_transformer-static/best_model.pt'));
  const short = values.map(({ name, stem, module, place, number }) => [name, stem, module, place, number]);
  expect(short.slice(0, 4)).toEqual([
    ['embed_input_scale_0', 'embed', 'embed', 'input', 0],
    ['_scale_0', '', '', 'output', 0],
    ['_scale_1', '', '', 'output', 1],
    ['block1_scale_1', 'block1', 'block1', 'output', 1],
  ]);
  expect(short).toContainEqual(['block1_act_scale_0', 'block1_act', 'block1.act', 'output', 0]);
});

describe('places that disagree', () => {
  const short = ({ differences }: QuantizedModel): unknown[] =>
    differences.map(({ module, place, used, other }) => [
      module,
      place,
      used.from,
      other.from,
      used.zeroPoint,
      other.zeroPoint,
    ]);

  test('scale_info of torch 1.13 has one bit less: twice the scale', async () => {
    const model = await readFrom(join(SMALL, 'digits_cnn-static/torch113/best_model.pt'));
    expect(short(model)).toEqual([
      ['conv1', 'input', 'graph', 'scale_info', 0, 0],
      ['conv1', 'output', 'module', 'scale_info', 0, 57],
      ['conv2', 'output', 'module', 'scale_info', 0, 53],
      ['fc1', 'output', 'module', 'scale_info', 0, 56],
    ]);
    const [{ used, other }] = model.differences as [QuantizedModel['differences'][number]];
    expect(other.scale / used.scale).toBeCloseTo(255 / 127, 2);
  });

  test('torch 2.6: only outputs before a fused ReLU', async () => {
    const model = await readFrom(join(SMALL, 'digits_cnn-static/best_model.pt'));
    expect(short(model)).toEqual([
      ['conv1', 'output', 'module', 'scale_info', 0, 115],
      ['conv2', 'output', 'module', 'scale_info', 0, 127],
      ['fc1', 'output', 'module', 'scale_info', 0, 114],
    ]);
  });

  test('Neural Compressor 2.6 has no scale_info', async () => {
    const model = await readFrom(join(SMALL, 'digits_cnn-qat/inc26/best_model.pt'));
    expect(short(model)).toEqual([]);
    expect(model.modules.map(({ sources }) => sources.input)).toEqual(['graph', null, null, null]);
  });
});

test('codes stay in the file until they are read', async () => {
  const { modules } = await readFrom(join(SMALL, 'digits_cnn-static/best_model.pt'));
  const fc1 = modules.find(({ module }) => module === 'fc1')!;
  expect(fc1.weight!.codes.memory).toBeNull();
  expect(fc1.weight!.codes.stored).not.toBeNull();
});
