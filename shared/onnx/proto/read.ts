/** Opens .onnx files of this machine. */
import { dirname } from 'node:path';
import { fileSource } from '../../bytes/file-source.ts';
import type { Model } from '../ir.ts';
import { folderData } from './folder-data.ts';
import { readModel } from './read-model.ts';

export interface OpenModel {
  readonly model: Model;
  /** Weights cannot be read any more after this. */
  close(): void;
}

/** A model and the data files beside it. */
export async function openModel(path: string): Promise<OpenModel> {
  const folder = folderData(dirname(path));
  const file = fileSource(path);
  const close = (): void => {
    folder.close();
    file.close();
  };
  try {
    return { model: await readModel(file, { external: folder.open }), close };
  } catch (error) {
    close();
    throw error;
  }
}
