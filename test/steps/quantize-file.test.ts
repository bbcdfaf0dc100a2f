/** Quantizing a file: what every caller gets alike, and that it can be given up. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { quantizeFile, type QuantizeFileRequest } from '../../shared/steps/quantize-file.ts';
import { modelFile, npz } from '../runtime/models.ts';

const GEMM = 'g (float[N,2] x) => (float[N,2] y) <float[2,2] w = {1, 2, 3, 4}> { y = MatMul(x, w) }';
const x = ['float32', [6, 2], [1, 0, 0, 1, 2, 2, -1, 3, 0, 0, 4, -2]] as const;

async function request(more: Partial<QuantizeFileRequest> = {}): Promise<QuantizeFileRequest> {
  const model = await modelFile(GEMM);
  const folder = dirname(model);
  const calibration = { source: await npz({ x }), name: 'calibration.npz' };
  return {
    model,
    path: join(folder, 'int8.onnx'),
    approach: 'static',
    format: 'QDQ',
    weights: 'embed',
    workFolder: folder,
    calibration,
    ...more,
  };
}

test('static: the file, its operators, and the samples by the name they were given', async () => {
  const { written, facts, operators } = await quantizeFile(await request());
  expect(existsSync(written.files[0]!.path)).toBe(true);
  expect(operators).toContainEqual({ operator: 'MatMul', count: 1 });
  expect(facts).toMatchObject({
    calibration: { method: 'MinMax', samples: 6, file: 'calibration.npz' },
    layers: [{ operator: 'MatMul' }],
  });
});

test('weights that were computed are embedded where links are asked for', async () => {
  const { written } = await quantizeFile(await request({ approach: 'dynamic', weights: 'link' }));
  expect(written).toMatchObject({ weights: 'embed', linked: [] });
  expect(written.files).toHaveLength(1);
});

test('given up, it writes nothing', async () => {
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  const wanted = await request({ signal: controller.signal });
  await expect(quantizeFile(wanted)).rejects.toThrow('enough');
  expect(existsSync(wanted.path)).toBe(false);
});
