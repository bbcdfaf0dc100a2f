/** Small models as files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { type MemoryTensor, inMemory } from '../../shared/runtime/session.ts';
import { memorySource, type ByteSource } from '../../shared/bytes/byte-source.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import type { Dtype } from '../../shared/tensor/dtype.ts';
import { encodeNumbers } from '../../shared/tensor/numbers.ts';
import { writeNpz } from '../../shared/tensor/npz.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';

/** Write the model of a text such as `g (float[N] x) => (float[N] y) { y = Relu(x) }`; the path. */
export async function modelFile(graph: string, name = 'model.onnx'): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  await writeModel(parseModel(`<ir_version: 10, opset_import: ["": 21]> ${graph}`), path, { weights: 'embed' });
  return path;
}

export type Numbers = readonly [dtype: Dtype, shape: readonly number[], values: readonly (number | bigint)[]];

export const tensor = (...[dtype, shape, values]: Numbers): MemoryTensor =>
  inMemory(dtype, shape, encodeNumbers(dtype, values));

export async function npz(arrays: Readonly<Record<string, Numbers>>): Promise<ByteSource> {
  const data = Object.entries(arrays).map(
    ([name, [dtype, shape, values]]) => [name, memoryData(dtype, shape, encodeNumbers(dtype, values))] as const,
  );
  return memorySource('data.npz', await writeNpz(data));
}
