/** PT2E programs as rows of the table: what the nodes say, and codes that PyTorch folded itself. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../../shared/bytes/byte-source.ts';
import { openProgram } from '../../../shared/formats/open.ts';
import type { QParams } from '../../../shared/tensor/qparams.ts';
import type { QuantizedModule } from '../../../shared/torch/quantized-weights.ts';
import { affineOf } from '../../../shared/torch/quantized/affine.ts';
import { quantizedModules } from '../../../shared/torch/quantized/pt2e-program.ts';
import { float32, sha256, weightFacts } from './rows.ts';

const SMALL = join(import.meta.dirname, '../../fixtures/pt2e');
const WHOLE = join(import.meta.dirname, '../../../../shared/fixtures/pt2e');

const rowsOf = async (path: string): Promise<QuantizedModule[]> =>
  quantizedModules(await openProgram(memorySource(path, readFileSync(path))));

const scalars = (qparams: QParams | null): readonly number[] | null => {
  const affine = qparams && affineOf(qparams);
  return affine && [affine.scale, affine.zeroPoint];
};
const at = (scale: number, zeroPoint: number): readonly number[] => [...float32([scale]), zeroPoint];
const facts = ({ module, operator, mode, inputs, output }: QuantizedModule): unknown => ({
  module,
  operator,
  mode,
  inputs: inputs.map(scalars),
  output: scalars(output),
});

describe.each(['digits_cnn-x86-static', 'digits_cnn-x86-static-nofold'])('%s', (name) => {
  test('each operator with what it reads and what is rounded behind it', async () => {
    const [x, first, flat, hidden] = [
      at(0.003919653594493866, 0),
      at(0.01985781081020832, 0),
      at(0.04027755931019783, 0),
      at(0.06983455270528793, 0),
    ];
    expect((await rowsOf(join(SMALL, `${name}.pt2`))).map(facts)).toEqual([
      { module: 'conv1', operator: 'conv2d_relu', mode: 'static', inputs: [x], output: first },
      { module: 'conv2', operator: 'conv2d_relu', mode: 'static', inputs: [first], output: null },
      { module: 'fc1', operator: 'linear_relu', mode: 'static', inputs: [flat], output: hidden },
      { module: 'fc2', operator: 'linear', mode: 'static', inputs: [hidden], output: null },
    ]);
  });
});

test('float weights become the codes that PyTorch folded', async () => {
  const weights = async (name: string): Promise<unknown[]> =>
    Promise.all((await rowsOf(join(SMALL, `${name}.pt2`))).map(({ weight }) => weightFacts(weight!)));
  expect(await weights('digits_cnn-x86-static-nofold')).toEqual(await weights('digits_cnn-x86-static'));
});

test('dynamic: weights in the file, inputs found anew', async () => {
  const rows = await rowsOf(join(SMALL, 'digits_cnn-x86-dynamic.pt2'));
  expect(rows.map(facts)).toEqual(
    [
      ['conv1', 'conv2d_relu'],
      ['conv2', 'conv2d_relu'],
      ['fc1', 'linear_relu'],
      ['fc2', 'linear'],
    ].map(([module, operator]) => ({ module, operator, mode: 'dynamic', inputs: [null], output: null })),
  );
  expect(rows.map(({ weight, bias }) => [weight!.codes.dtype, weight!.codes.shape, bias!.shape])).toEqual([
    ['int8', [12, 1, 3, 3], [12]],
    ['int8', [12, 12, 3, 3], [12]],
    ['int8', [32, 192], [32]],
    ['int8', [10, 32], [10]],
  ]);
});

describe('all fixtures', () => {
  if (!existsSync(WHOLE)) {
    test.skip(`skipped: there is no ${WHOLE}`, () => {});
    return;
  }
  const codes = async (path: string): Promise<string[]> =>
    Promise.all((await rowsOf(path)).flatMap(({ weight }) => (weight ? [sha256(weight.codes)] : [])));

  test.each(globSync('*/model.pt2', { cwd: WHOLE }).sort())(
    '%s: two versions of PyTorch wrote the same codes',
    async (path) => {
      const found = await codes(join(WHOLE, path));
      expect(found.length).toBeGreaterThan(1);
      expect(found).toEqual(await codes(join(WHOLE, path.replace('.pt2', '.torch213.pt2'))));
    },
  );

  test.each(globSync('*-nofold/model.pt2', { cwd: WHOLE }).sort())('%s: the same codes as folded', async (path) => {
    expect(await codes(join(WHOLE, path))).toEqual(await codes(join(WHOLE, path.replace('-nofold', ''))));
  });

  test.each(globSync('*/quantized_weight.pt', { cwd: WHOLE }).sort())('%s of Neural Compressor 3', async (path) => {
    const rows = await rowsOf(join(WHOLE, path));
    expect(rows.filter(({ weight }) => weight?.codes.dtype === 'int8').length).toBe(path.includes('cnn') ? 4 : 14);
  });
});
