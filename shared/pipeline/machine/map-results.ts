/** What a Distributed Map left in the work bucket: every item with how it ended. */
import type { Json } from './asl.ts';
import { isObject } from '../job/json-reader.ts';
import { messageOf } from '../report/failures.ts';
import { batchPrefix } from '../workspace/keys.ts';
import { linesOf } from '../workspace/lines.ts';
import { type ObjectName, readText } from '../workspace/read-object.ts';
import type { ObjectStore } from '../workspace/store.ts';

export interface ItemResult {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'PENDING';
  readonly input: Json;
  readonly output: Json;
  readonly error: string;
  readonly cause: string;
}

interface Manifest {
  readonly ResultFiles: Readonly<Partial<Record<ItemResult['status'], readonly { readonly Key: string }[]>>>;
}

/** Of all Map Runs of a batch, one by one; none when the batch failed before its first item. */
export async function* readMapResults(store: ObjectStore, work: string, batch: string): AsyncGenerator<ItemResult> {
  for await (const { key } of store.list(work, batchPrefix(batch))) {
    if (!key.endsWith('/manifest.json')) continue;
    const { ResultFiles } = JSON.parse(await readText(store, { bucket: work, key })) as Manifest;
    for (const status of ['SUCCEEDED', 'FAILED', 'PENDING'] as const)
      for (const { Key } of ResultFiles[status] ?? []) yield* resultsIn(store, { bucket: work, key: Key }, status);
  }
}

/** A JSON value on each line, as our ResultWriter asks for. */
async function* resultsIn(
  store: ObjectStore,
  name: ObjectName,
  status: ItemResult['status'],
): AsyncGenerator<ItemResult> {
  const source = await store.open(name.bucket, name.key);
  try {
    for await (const { text } of linesOf(source)) if (text.trim() !== '') yield itemResult(status, JSON.parse(text));
  } finally {
    source.close?.();
  }
}

function itemResult(status: ItemResult['status'], row: unknown): ItemResult {
  const { Input, Output, Error: error, Cause } = isObject(row) ? row : {};
  return {
    status,
    input: parsed(Input),
    output: parsed(Output),
    ...innermost(String(error ?? ''), String(Cause ?? '')),
  };
}

/** An item fails because its conversion did, which its cause describes as JSON: what that one failed of. */
function innermost(error: string, cause: string): Pick<ItemResult, 'error' | 'cause'> {
  const described = error === 'States.TaskFailed' && cause.startsWith('{') ? descriptionOf(cause) : {};
  return {
    error: typeof described['Error'] === 'string' ? described['Error'] : error,
    cause: messageOf(typeof described['Cause'] === 'string' ? described['Cause'] : cause),
  };
}

function descriptionOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    // Step Functions cuts a long cause.
    return {};
  }
}

/** Inputs and outputs are JSON texts inside the JSON. */
const parsed = (value: unknown): Json =>
  typeof value === 'string' ? (JSON.parse(value) as Json) : ((value ?? null) as Json);
