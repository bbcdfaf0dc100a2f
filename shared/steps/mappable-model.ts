/** A model whose weights onnxruntime can map: those inside a large .onnx are written beside a copy of it first. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openModel } from '../onnx/proto/read.ts';
import { writeModel } from '../onnx/proto/write.ts';

export interface Mapping {
  /** Where a copy may lie until `use` ends. */
  readonly workFolder: string;
  /** Bytes of weights inside the .onnx from which they are copied out. */
  readonly from: number;
}

/** Calls `use` with a path of the same model. */
export async function withMappable<T>(
  path: string,
  { workFolder, from }: Mapping,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const { model, close } = await openModel(path);
  let folder: string | null = null;
  try {
    const inside = [...model.graph.initializers].filter(({ data }) => data?.stored?.origin.root.name === path);
    if (inside.reduce((sum, { data }) => sum + data!.byteLength, 0) < from) return await use(path);
    folder = await mkdtemp(join(workFolder, 'mapped-'));
    const copy = join(folder, 'model.onnx');
    await writeModel(model, copy, { weights: 'pack' });
    return await use(copy);
  } finally {
    close();
    if (folder) await rm(folder, { recursive: true, force: true });
  }
}
