/** Files of a job: its own, those its options name, and those beside the model that count unnamed. */
import { keyBeside } from './beside.ts';
import { type JobFile, type JobOptions } from './job-schema.ts';
import { readText } from '../workspace/read-object.ts';
import { fileNameOf, MAX_KEY_BYTES, type ObjectStore, withoutExtension } from '../workspace/store.ts';
import { parseJob, requireJobSize } from './parse-job.ts';

export interface FoundJob {
  /** Where it was found; null: nothing was, everything is a default. */
  readonly key: string | null;
  readonly job: JobFile;
}

/**
 * `net.pt2.job.json`, else `net.job.json`, else `job.json` in the folder: the nearest one counts, they are not merged.
 */
export const jobKeys = (modelKey: string): readonly string[] => [
  `${modelKey}.job.json`,
  `${withoutExtension(modelKey)}.job.json`,
  keyBeside(modelKey, 'job.json'),
];

export async function findJob(store: ObjectStore, bucket: string, modelKey: string): Promise<FoundJob> {
  for (const key of jobKeys(modelKey)) {
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) continue;
    const head = await store.head(bucket, key);
    if (!head) continue;
    requireJobSize(key, head.size);
    return { key, job: parseJob(key, await readText(store, { bucket, key, version: head.version })) };
  }
  return { key: null, job: {} };
}

/** Options that name files: whether it is one of arrays, and how one beside `net.pt2` is called that counts unnamed. */
const FILES = {
  example_inputs: { isArrays: true, found: null },
  calibration: { isArrays: true, found: '.calibration.npz' },
  test_data: { isArrays: true, found: '.test.npz' },
  reference: { isArrays: true, found: '.reference.npz' },
  quantized_model: { isArrays: false, found: '.int8.pt' },
  int8_reference: { isArrays: true, found: '.int8.reference.npz' },
} as const;
type FileOption = keyof typeof FILES;
type Found = { [N in FileOption]: (typeof FILES)[N]['found'] extends null ? never : N }[FileOption];
export type FoundFiles = { readonly [N in Found]: string | null };

/** Files that count without being named: `net.calibration.npz` for `net.pt2`, and so on. */
export const FOUND_FILES = Object.fromEntries(
  Object.entries(FILES).flatMap(([option, { found }]) => (found === null ? [] : [[option, found]])),
) as { readonly [N in Found]: (typeof FILES)[N]['found'] };

export async function findFiles(store: ObjectStore, bucket: string, modelKey: string): Promise<FoundFiles> {
  const found = async (ending: string): Promise<string | null> => {
    const key = `${withoutExtension(modelKey)}${ending}`;
    return Buffer.byteLength(key) <= MAX_KEY_BYTES && (await store.head(bucket, key)) ? fileNameOf(key) : null;
  };
  const names = await Promise.all(
    Object.entries(FOUND_FILES).map(async ([option, ending]) => [option, await found(ending)] as const),
  );
  // Object.fromEntries forgets the names.
  return Object.fromEntries(names) as Record<Found, string | null>;
}

export interface NamedFile {
  readonly option: FileOption;
  readonly key: string;
  /** An .npz. */
  readonly isArrays: boolean;
}

/** Options that name files, each with the key it means. */
export function filesOf(modelKey: string, options: JobOptions): NamedFile[] {
  // Object.keys forgets the names.
  return (Object.keys(FILES) as FileOption[]).flatMap((option) => {
    const name = options[option];
    return name === null ? [] : [{ option, key: keyBeside(modelKey, name), isArrays: FILES[option].isArrays }];
  });
}
