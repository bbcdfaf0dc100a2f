/** An INT8 model without the FP32 graph it was made from: every command that wants a graph says which file to add. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fixturePath, workFolder } from '../quantize/fixture.ts';
import { printed } from './in-process.ts';

const HINT =
  'goes with the FP32 model it was made from: name it <model>.int8.pt beside <model>.pt2 (or .onnx), or set ' +
  '"quantized_model" in that model\'s job, or run "torchferry convert <model>.pt2 --quantized <this file>"';

describe.each(['inc/digits_cnn-static/best_model.pt', 'quantized-state-dicts/eager-static.pt'])('%s', (name) => {
  const file = fixturePath('..', name);

  test.each(['convert', 'run'])('%s', async (command) => {
    const { code, out, err } = await printed(command, file, '-o', join(workFolder(), 'made'));
    expect(code).toBe(1);
    expect(`${out}${err}`).toContain(HINT);
  });

  test('as the graph of another INT8 model', async () => {
    const { code, err } = await printed('convert', file, '--quantized', file, '-o', join(workFolder(), 'int8.onnx'));
    expect(code).toBe(1);
    expect(err).toContain(HINT);
  });
});
