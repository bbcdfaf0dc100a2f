/** Where a step writes its model: at a path, or where its caller says once it is known what it will be. */
import type { Destination } from '../bytes/destination.ts';
import type { Model } from '../onnx/ir.ts';
import { writeModel, writeModelTo, type WriteOptions, type WrittenModel } from '../onnx/proto/write.ts';

export interface ModelPlace {
  readonly destination: Destination;
  /** Of the .onnx. */
  readonly name: string;
}

/** Called before anything is written: a caller may refuse the model. */
export type ModelPath = string | ((model: Model) => ModelPlace);

export function writeTo(path: ModelPath, model: Model, options: WriteOptions): Promise<WrittenModel> {
  if (typeof path === 'string') return writeModel(model, path, options);
  const { destination, name } = path(model);
  return writeModelTo(destination, model, { ...options, name });
}
