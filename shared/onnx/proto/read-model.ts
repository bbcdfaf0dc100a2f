/** Reads a model: the graph into memory, the weights as promises. */
import type { ByteSource } from '../../bytes/byte-source.ts';
import type { Model, Value } from '../ir.ts';
import { decode } from './decode.ts';
import type { ExternalData } from './external-data.ts';
import { modelOf } from './from-proto.ts';
import { LAZY_FROM } from './limits.ts';

export interface ReadOptions {
  /** Finds the files external data lies in, by their checked relative location. */
  readonly external?: ExternalData;
}

export async function readModel(source: ByteSource, options: ReadOptions = {}): Promise<Model> {
  const model = modelOf(await decode('ModelProto', source), { file: source.name, external: options.external });
  for (const value of model.graph.initializers) await loadSmall(value);
  return model;
}

/** Shape constants have to be in memory even when an exporter put them into external data. */
async function loadSmall(value: Value): Promise<void> {
  const { data } = value;
  if (data && !data.memory && data.byteLength <= LAZY_FROM)
    value.data = { ...data, memory: new Uint8Array(await data.read()) };
}
