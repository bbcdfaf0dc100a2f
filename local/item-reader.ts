/** Where a Distributed Map takes its items from, and how it puts several into one execution. */
import type { ItemBatcher, ItemReader, Json } from '../shared/pipeline/machine/asl.ts';
import { evaluate, numberField, stringField, type Visit } from './execution.ts';
import { StatesError } from './states-error.ts';

type Read = (visit: Visit, args: Json, reader: ItemReader) => Promise<readonly Json[]>;

const READERS: Readonly<Record<string, Read>> = {
  'arn:aws:states:::s3:getObject': async (visit, args, reader) => {
    const type = reader.ReaderConfig?.InputType ?? 'JSON';
    const parse = PARSERS[type];
    if (!parse) throw new StatesError('States.Runtime', `${visit.name}: items of type ${type} cannot be read here`);
    return parse(
      await visit.frame.environment.files.read(stringField(visit, args, 'Bucket'), stringField(visit, args, 'Key')),
    );
  },
  'arn:aws:states:::s3:listObjectsV2': async (visit, args) => {
    const { files } = visit.frame.environment;
    const objects: Json[] = [];
    for await (const object of files.list(stringField(visit, args, 'Bucket'), stringField(visit, args, 'Prefix')))
      objects.push({ ...object });
    return objects;
  },
};

const PARSERS: Readonly<Record<string, (text: string) => readonly Json[]>> = {
  JSON: (text) => {
    const value = JSON.parse(text) as Json;
    if (!Array.isArray(value)) throw new Error('the file holds no JSON array');
    return value as readonly Json[];
  },
  JSONL: (text) =>
    text.split('\n').flatMap((line, i) => {
      if (line.trim() === '') return [];
      try {
        return [JSON.parse(line) as Json];
      } catch (cause) {
        throw new Error(`line ${i + 1} is no JSON: ${(cause as Error).message}`, { cause });
      }
    }),
};

export async function readItems(reader: ItemReader, visit: Visit): Promise<readonly Json[]> {
  const read = READERS[reader.Resource];
  if (!read)
    throw new StatesError('States.Runtime', `${visit.name}: items cannot be read with ${reader.Resource} here`);
  const args = await evaluate(visit, reader.Arguments);
  const most = reader.ReaderConfig?.MaxItems;
  const limit = most === undefined ? Infinity : await numberField(visit, 'MaxItems', most);
  try {
    return (await read(visit, args, reader)).slice(0, limit);
  } catch (thrown) {
    if (thrown instanceof StatesError) throw thrown;
    throw new StatesError('States.ItemReaderFailed', (thrown as Error).message);
  }
}

/** Items in groups, each the input of one execution: `{ BatchInput?, Items }`. */
export async function batchItems(batcher: ItemBatcher, items: readonly Json[], visit: Visit): Promise<readonly Json[]> {
  const count =
    batcher.MaxItemsPerBatch === undefined
      ? Infinity
      : await numberField(visit, 'MaxItemsPerBatch', batcher.MaxItemsPerBatch);
  const bytes =
    batcher.MaxInputBytesPerBatch === undefined
      ? Infinity
      : await numberField(visit, 'MaxInputBytesPerBatch', batcher.MaxInputBytesPerBatch);
  const BatchInput = batcher.BatchInput === undefined ? {} : { BatchInput: await evaluate(visit, batcher.BatchInput) };
  const batch = (Items: readonly Json[]): Json => ({ ...BatchInput, Items });
  const batches: Json[] = [];
  let open: Json[] = [];
  for (const item of items) {
    const full = open.length >= count || Buffer.byteLength(JSON.stringify(batch([...open, item]))) > bytes;
    if (open.length && full) {
      batches.push(batch(open));
      open = [];
    }
    open.push(item);
  }
  if (open.length) batches.push(batch(open));
  return batches;
}
