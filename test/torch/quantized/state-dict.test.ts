/** Plain quantized state dicts of eager mode against what the modules said when they were saved (`expected.json`). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { affineOf } from '../../../shared/torch/quantized/affine.ts';
import { float32, numbers, readFrom, type WeightFacts, weightFacts } from './rows.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/quantized-state-dicts');

interface Expected {
  readonly weight: (Omit<WeightFacts, 'zeroPoints'> & { readonly zero_points: readonly number[] }) | null;
  readonly bias: readonly number[] | null;
  readonly output: { readonly scale: number; readonly zero_point: number } | null;
}
const EXPECTED = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as Record<
  string,
  Record<string, Expected>
>;

/** PyTorch's path of a row; wrappers have a `module` between that the float model does not. */
const WRAPPED: Readonly<Record<string, string>> = {
  'wrapped 0.weight': 'module.0.weight',
  'wrapped 2.weight': 'module.2.weight',
  'wrapped-layer second.weight': 'second.module.weight',
};

describe.each(Object.entries(EXPECTED))('%s', (file, expected) => {
  test('the same rows', async () => {
    const { modules, unread } = await readFrom(join(FOLDER, `${file}.pt`));
    expect(unread).toEqual([]);
    const names = modules.map(({ module, weight }) => {
      const name = weight ? `${module}.${weight.parameter}` : module;
      return WRAPPED[`${file} ${name}`] ?? name;
    });
    expect(names.toSorted()).toEqual(Object.keys(expected).toSorted());
    for (const [i, row] of modules.entries()) {
      const { weight, bias, output } = expected[names[i]!]!;
      expect(row.weight && (await weightFacts(row.weight))).toEqual(
        weight && {
          dtype: weight.dtype,
          shape: weight.shape,
          sha256: weight.sha256,
          axis: weight.axis,
          scales: float32(weight.scales),
          zeroPoints: weight.zero_points,
        },
      );
      expect(row.bias && (await numbers(row.bias))).toEqual(bias);
      const affine = row.output && affineOf(row.output);
      expect(affine && { scale: affine.scale, zero_point: affine.zeroPoint }).toEqual(
        output && { scale: Math.fround(output.scale), zero_point: output.zero_point },
      );
    }
  });
});

const kinds = async (file: string): Promise<unknown[]> =>
  (await readFrom(join(FOLDER, `${file}.pt`))).modules.map(({ module, operator, mode, weight }) => [
    weight && weight.parameter !== 'weight' ? `${module}.${weight.parameter}` : module,
    operator,
    mode,
  ]);

test('static: operators as far as shapes tell them', async () => {
  expect(await kinds('eager-static')).toEqual([
    ['quant', 'quantize_per_tensor', 'static'],
    ['conv', 'conv2d', 'static'],
    ['nobias', 'conv2d', 'static'],
    ['bn2', null, 'static'],
    ['up', 'conv_transpose2d', 'static'],
    ['hs', null, 'static'],
    ['leaky', null, 'static'],
    ['ln', null, 'static'],
    ['gn', null, 'static'],
    ['inorm', null, 'static'],
    ['add', null, 'static'],
    ['conv1', 'conv1d', 'static'],
    ['fc', 'linear', 'static'],
    ['fc2', 'linear', 'static'],
  ]);
});

test('dynamic: an LSTM is two rows for each layer and direction; float16 is no integer', async () => {
  const parts = [
    'ih_l0',
    'hh_l0',
    'ih_l0_reverse',
    'hh_l0_reverse',
    'ih_l1',
    'hh_l1',
    'ih_l1_reverse',
    'hh_l1_reverse',
  ];
  expect(await kinds('eager-dynamic')).toEqual([
    ['emb', 'embedding_byte', 'weight-only'],
    ['bag', 'embedding_byte', 'weight-only'],
    ['fc', 'linear', 'dynamic'],
    ['conv', 'conv1d', 'dynamic'],
    ...parts.map((part) => [`lstm.weight_${part}`, 'quantized_lstm', 'dynamic']),
    ['gru.weight_ih_l0', 'quantized_gru', 'dynamic'],
    ['gru.weight_hh_l0', 'quantized_gru', 'dynamic'],
    ['cell.weight_ih', 'quantized_lstm_cell_dynamic', 'dynamic'],
    ['cell.weight_hh', 'quantized_lstm_cell_dynamic', 'dynamic'],
  ]);
  const { float, approach } = await readFrom(join(FOLDER, 'eager-dynamic.pt'));
  expect(float.map(({ module }) => module)).toEqual(['fp16']);
  expect(approach).toBe('dynamic');
});

test('the stub of a wrapper is the input of what it wraps', async () => {
  const { modules } = await readFrom(join(FOLDER, 'wrapped-layer.pt'));
  const [stub, second] = modules;
  expect(second!.sources.input).toBe('stub');
  expect(affineOf(second!.inputs[0]!)).toEqual(affineOf(stub!.output!));
});

test('a model that was prepared and not converted is refused', async () => {
  await expect(readFrom(join(FOLDER, 'prepared.pt'))).rejects.toMatchObject({
    name: 'UnsupportedFormat',
    details: { hint: expect.stringContaining('convert') as string },
  });
});
