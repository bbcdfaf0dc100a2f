/** Small models from text, loaded and run by the installed onnxruntime as a user's would be. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { FerryError } from '../../shared/errors.ts';
import { inMemory, type Session, withSession } from '../../shared/runtime/session.ts';
import type { Dtype } from '../../shared/tensor/dtype.ts';
import { decodeBigInts, decodeNumbers, encodeNumbers } from '../../shared/tensor/numbers.ts';

export type Given = readonly [dtype: Dtype, shape: readonly number[], values: readonly (number | bigint)[]];
/** The outputs; null where it does not load or run. */
export type Found = Readonly<Record<string, readonly (number | bigint)[]>> | null;

async function used<T>(
  text: string,
  opset: number,
  use: (session: Session, optimized: string) => Promise<T>,
): Promise<T | null> {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeModel(parseModel(`<ir_version: 10, opset_import: ["": ${opset}]> ${text}`), path, { weights: 'embed' });
    const saveOptimized = join(folder, 'optimized.onnx');
    return await withSession(path, { saveOptimized }, (session) => use(session, saveOptimized));
  } catch (error) {
    if (error instanceof FerryError && (error.code === 'ModelDoesNotLoad' || error.code === 'ModelDoesNotRun'))
      return null;
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const loads = async (text: string, opset = 21): Promise<boolean> =>
  (await used(text, opset, () => Promise.resolve(true))) ?? false;

/** Whether it loads with kernels of its own types: of 16-bit floats onnxruntime puts casts around what has none. */
export const hasKernel = async (text: string, opset = 21): Promise<boolean> =>
  (await used(text, opset, (_, optimized) =>
    Promise.resolve(!readFileSync(optimized).includes('InsertedPrecisionFreeCast')),
  )) ?? false;

export const runs = (text: string, feeds: Readonly<Record<string, Given>>, opset = 21): Promise<Found> =>
  used(text, opset, async (session) => {
    const given = Object.entries(feeds).map(
      ([name, [dtype, shape, values]]) => [name, inMemory(dtype, shape, encodeNumbers(dtype, values))] as const,
    );
    const found = await session.run(new Map(given));
    return Object.fromEntries(
      [...found].map(([name, { dtype, memory }]) => [
        name,
        dtype === 'int64' ? decodeBigInts(dtype, memory) : [...decodeNumbers(dtype, memory)],
      ]),
    );
  });
