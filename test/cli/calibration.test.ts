/** `quantize`: where calibration data lie, the names of formats, weights alone; how far it and `validate` are. */
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { writeNpz } from '../../shared/tensor/npz.ts';
import { tensor } from '../runtime/models.ts';
import { printed } from './in-process.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'torchferry-calibration-'));
  const text = 'g (float[N,2] x) => (float[N,2] y) <float[2,2] w = {1, 2, 3, 4}> { y = MatMul(x, w) }';
  await writeModel(parseModel(`<ir_version: 7, opset_import: ["": 11]> ${text}`), at('net.onnx'), { weights: 'embed' });
  mkdirSync(at('calib'));
  for (const [name, values] of Object.entries({ a: [1, 0], b: [0, 2], zeros: [0, 0] }))
    writeFileSync(at(`calib/${name}.npz`), await writeNpz([['x', tensor('float32', [1, 2], values)]]));
  writeFileSync(at('calib/README'), 'other files are left alone');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a folder gives what one file with all samples gives; an old graph is raised and said', async () => {
  writeFileSync(at('all.npz'), await writeNpz([['x', tensor('float32', [3, 2], [1, 0, 0, 2, 0, 0])]]));
  const one = await printed('quantize', at('net.onnx'), '--calibration', at('all.npz'), '-o', at('one.onnx'));
  // The metadata has the name of the data, which is then the same.
  cpSync(at('calib'), at('folder/all.npz'), { recursive: true });
  const many = await printed('quantize', at('net.onnx'), '--calibration', at('folder/all.npz'), '-o', at('many.onnx'));
  expect([one.code, many.code]).toEqual([0, 0]);
  expect(readFileSync(at('many.onnx')).equals(readFileSync(at('one.onnx')))).toBe(true);
  expect(many.err).toContain('opset 11 of the graph was raised to 13');
});

test('how far it is goes to stderr, a quarter at a time; --quiet says nothing', async () => {
  writeFileSync(
    at('all.npz'),
    await writeNpz([
      [
        'x',
        tensor(
          'float32',
          [8, 2],
          Array.from({ length: 16 }, (_, i) => i),
        ),
      ],
    ]),
  );
  const command = ['quantize', at('net.onnx'), '--calibration', at('all.npz'), '-o', at('int8.onnx')];
  const { err } = await printed(...command);
  expect(err.match(/calibrating: .*/g)).toEqual(
    [2, 4, 6, 8].map((done) => `calibrating: ${done} of 8 samples, ${12.5 * done} %`),
  );
  expect(err).toContain('comparing layers: 1 of 1 samples, 100 %');
  expect(await printed(...command, '--quiet')).toMatchObject({ code: 0, err: '' });
});

test('validate says how far it is too', async () => {
  const values = Array.from({ length: 64 }, (_, i) => i);
  writeFileSync(at('all.npz'), await writeNpz([['x', tensor('float32', [32, 2], values)]]));
  const command = ['validate', at('net.onnx'), '--against', at('net.onnx'), '--data', at('all.npz')];
  const { err } = await printed(...command);
  expect(err.match(/validating: .*/g)).toEqual([
    'validating: 16 of 32 samples, 50 %',
    'validating: 32 of 32 samples, 100 %',
  ]);
  expect(await printed(...command, '--quiet')).toMatchObject({ code: 0, err: '' });
});

test('data that are all 0 are warned of', async () => {
  const ran = await printed('quantize', at('net.onnx'), '--calibration', at('calib/zeros.npz'), '-o', at('int8.onnx'));
  expect(ran).toMatchObject({ code: 0, err: expect.stringContaining('nothing but 0 is in "x"') as string });
});

test('a folder without samples is refused', async () => {
  mkdirSync(at('empty'));
  copyFileSync(at('calib/README'), at('empty/README'));
  const ran = await printed('quantize', at('net.onnx'), '--calibration', at('empty'), '-o', at('int8.onnx'));
  expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('cannot calibrate with "empty"') as string });
});

test.each(['QLinear', 'qlinear', 'QOperator', 'QOPERATOR'])('--quant-format %s', async (name) => {
  const calibrated = [at('net.onnx'), '--calibration', at('calib/a.npz'), '-o', at('int8.onnx')];
  const ran = await printed('quantize', ...calibrated, '--quant-format', name, '--json');
  expect((JSON.parse(ran.out) as { results: unknown[] }).results[0]).toMatchObject({ format: 'QLinear' });
});

test("options of onnxruntime's tool", async () => {
  const calibrated = ['quantize', at('net.onnx'), '--calibration', at('calib/a.npz'), '-o', at('int8.onnx')];
  const graphOf = async (...args: readonly string[]): Promise<string> => {
    expect(await printed(...calibrated, ...args)).toMatchObject({ code: 0 });
    const { model, close } = await openModel(at('int8.onnx'));
    const sizes = [...model.graph.initializers].map(
      ({ name, type }) => `${name} ${type!.dtype} [${type!.shape.join()}]`,
    );
    close();
    return sizes.join(', ');
  };
  expect(await graphOf()).toContain('w_scale float32 [2]');
  expect(await graphOf('--per-tensor')).toContain('w_scale float32 []');
  const symmetric = ['--extra-options', '{"ActivationSymmetric": true}', '--activation-type', 'QInt8'];
  expect(await graphOf(...symmetric)).toContain('x_zero_point int8 []');
  for (const [args, message] of [
    [['--op-types-to-quantize', 'Conv'], 'op_types_to_quantize does not name it'],
    [['--nodes-to-exclude', 'y'], 'nodes_to_exclude names it'],
    [['--nodes-to-quantize', 'z'], 'option --nodes-to-quantize: "z" is not valid'],
    [['--extra-options', '{"EnableSubgraph": true}'], 'the bodies of If, Loop and Scan stay in float'],
  ] as const)
    expect(await printed(...calibrated, ...args)).toMatchObject({
      err: expect.stringContaining(message) as string,
    });
});

test.each([
  [['--bits', '4'], 'net.int4.onnx', { bits: 4, blockSize: 64, symmetric: false, algorithm: 'RTN', elements: 4 }],
  [
    ['--approach', 'weight-only', '--bits', '8', '--block-size', '32', '--symmetric'],
    'net.int8.onnx',
    { bits: 8, blockSize: 32, symmetric: true, algorithm: 'RTN', elements: 4, bytes: 12 },
  ],
])('weights alone: %j', async (args, name, blocks) => {
  const ran = await printed('quantize', at('net.onnx'), '--quant-format', 'QLinear', ...args, '--json');
  expect(JSON.parse(ran.out)).toMatchObject({
    results: [{ approach: 'weight-only', quantized: 1, blocks, files: [{ path: at(name) }] }],
  });
});

test.each([
  [['--bits', '5'], '--bits'],
  [['--block-size', '16'], '--block-size'],
  [['--approach', 'dynamic', '--symmetric'], '--symmetric is of weight-only quantization'],
])('what weights alone cannot have is refused: %j', async (args, said) => {
  expect(await printed('quantize', at('net.onnx'), ...args)).toMatchObject({
    code: 2,
    err: expect.stringContaining(said) as string,
  });
});
