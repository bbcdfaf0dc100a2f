/** Weights that are mapped, and those that have to be taken out of the .onnx first, give the numbers of the model. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeProgram } from '../../bench/large/model.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { inMemory, withSession } from '../../shared/runtime/session.ts';
import { convertFile } from '../../shared/steps/convert-file.ts';
import { withMappable } from '../../shared/steps/mappable-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'mappable-'));
afterAll(() => rmSync(folder, { recursive: true }));
const WIDTH = 64;
const X = inMemory('float32', [1, WIDTH], new Uint8Array(Float32Array.from({ length: WIDTH }, (_, i) => i / 8).buffer));

const outputOf = (path: string, mapWeights: boolean): Promise<Float32Array> =>
  withSession(path, { mapWeights }, async (session) => {
    const [y] = (await session.run(new Map([['x', X]]))).values();
    return new Float32Array(y!.memory.slice().buffer);
  });

it.each(['embed', 'pack'] as const)('%s', async (weights) => {
  writeProgram(join(folder, 'm.pt2'), { layers: 3, width: WIDTH, weights: 'kept' });
  const path = join(folder, `${weights}.onnx`);
  const source = fileSource(join(folder, 'm.pt2'));
  await convertFile({ source, path, options: {}, weights });
  source.close();
  const expected = await outputOf(path, false);
  const used = await withMappable(path, { workFolder: folder, from: 1 }, async (mappable) => {
    expect(mappable === path).toBe(weights === 'pack');
    const mapped = await outputOf(mappable, true);
    // The kernels differ in the order of their sums.
    mapped.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    return mappable;
  });
  expect(readdirSync(folder)).not.toContain(used.split('/').at(-2));
  await withMappable(path, { workFolder: folder, from: 2 ** 20 }, async (mappable) => expect(mappable).toBe(path));
});
