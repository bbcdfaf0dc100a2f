/**
 * Batch plan: check what a batch asks for, in its start or in the first line of its manifest, and write the manifest
 * anew so that every line is an item: a request, or what is wrong with the line.
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Json } from '../machine/asl.ts';
import {
  type BatchSettings,
  type Field,
  isText,
  problemsIn,
  refuseBatch,
  SETTINGS,
  settingsIn,
  settingsOf,
} from '../job/batch-settings.ts';
import { isObject, shown } from '../job/json-reader.ts';
import { fieldsOf } from '../workspace/job-stage.ts';
import { batchPrefix } from '../workspace/keys.ts';
import { linesOf } from '../workspace/lines.ts';
import { withObject } from '../workspace/read-object.ts';
import type { RunStage, Services } from '../workspace/services.ts';

export const run: RunStage = async (input, services) => {
  const { batch: given = null, buckets } = fieldsOf(input);
  const batch = fieldsOf(given);
  const problems = problemsIn(batch, FIELDS);
  if (batch['manifest'] === null && batch['prefix'] === null)
    problems.push('it names neither a "manifest" nor a "prefix"');
  if (problems.length)
    refuseBatch(
      problems,
      'start it with {"bucket": "...", "manifest": "list.jsonl"} or {"bucket": "...", "prefix": "models/"}',
    );
  if (batch['manifest'] === null) return { items: null, models: null, broken: 0, settings: settingsOf(batch, {}) };
  const { id, bucket, manifest } = batch as unknown as Readonly<Record<'id' | 'bucket' | 'manifest', string>>;
  const work = String(fieldsOf(buckets ?? null)['work']);
  const { said, ...planned } = await writeItems({ id, bucket, manifest, work }, services);
  return { ...planned, settings: settingsOf(batch, said) };
};

const FIELDS: Readonly<Record<string, Field>> = {
  bucket: { isRight: isText, expected: 'the name of a bucket' },
  manifest: { isRight: (value) => value === null || isText(value), expected: 'the key of a .jsonl file' },
  prefix: { isRight: (value) => value === null || typeof value === 'string', expected: 'the start of keys' },
  ...SETTINGS,
};

interface Manifest {
  readonly id: string;
  readonly bucket: string;
  readonly manifest: string;
  readonly work: string;
}

interface Planned {
  readonly items: string;
  readonly models: number;
  readonly broken: number;
  /** What the manifest says of the batch. */
  readonly said: BatchSettings;
}

async function writeItems({ id, bucket, manifest, work }: Manifest, services: Services): Promise<Planned> {
  const { store, temporaryFolder } = services;
  const folder = await mkdtemp(join(temporaryFolder, 'torchferry-'));
  const key = `${batchPrefix(id)}items.jsonl`;
  const counts = { models: 0, broken: 0 };
  let said: BatchSettings | null = null;
  try {
    const path = join(folder, 'items.jsonl');
    await withObject(store, { bucket, key: manifest }, async (source) => {
      const items = async function* (): AsyncGenerator<string> {
        for await (const { line, text } of linesOf(source)) {
          if (text.trim() === '') continue;
          const settings = said === null ? settingsIn(line, text) : null;
          said ??= settings ?? {};
          if (settings) continue;
          const item = itemOf(line, text);
          counts['problem' in item ? 'broken' : 'models']++;
          yield `${JSON.stringify(item)}\n`;
        }
      };
      await pipeline(items, createWriteStream(path));
    });
    await store.putFile({ bucket: work, key, path, contentType: 'application/jsonl' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { items: key, ...counts, said: said ?? {} };
}

export type ManifestItem =
  | { readonly line: number; readonly row: Readonly<Record<string, Json>> }
  | { readonly line: number; readonly problem: string; readonly text: string };

// What an execution may be given is 256 KiB, of which the item is the largest part.
const MAX_LINE_BYTES = 200_000;
const SHOWN = 500;

function itemOf(line: number, text: string): ManifestItem {
  const broken = (problem: string): ManifestItem => ({
    line,
    problem: `line ${line} of the manifest ${problem}`,
    text: text.slice(0, SHOWN).toWellFormed(),
  });
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_LINE_BYTES) return broken(`has ${bytes} bytes, the limit is ${MAX_LINE_BYTES}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return broken(`is no JSON: ${(cause as Error).message}`);
  }
  const row = typeof value === 'string' ? { key: value } : value;
  if (!isObject(row)) return broken(`is ${shown(value)}, expected a key or an object with a "key"`);
  // As S3 lists objects.
  const { Key, ...rest } = row;
  const named = typeof Key === 'string' ? { key: Key } : rest;
  const wrong = Object.entries(ROW).find(([field, { isRight }]) => !isRight((named as Row)[field] ?? null));
  if (!wrong) return { line, row: named as Row };
  const [field, { expected }] = wrong;
  const found = field in named ? `"${field}" is ${shown((named as Row)[field])}` : `has no "${field}"`;
  return broken(`${found}, expected ${expected}`);
}

type Row = Readonly<Record<string, Json>>;
const orAbsent = (value: Json): boolean => value === null || isText(value);

const ROW: Readonly<Record<string, Field>> = {
  key: { isRight: isText, expected: 'the key of a model' },
  bucket: { isRight: orAbsent, expected: 'the name of a bucket' },
  version: { isRight: orAbsent, expected: 'a version id' },
  options: { isRight: (value) => value === null || isObject(value), expected: 'an object of job options' },
};
