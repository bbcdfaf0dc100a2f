/** What starts a job, and what tells one job from another. */
import { createHash } from 'node:crypto';
import { fail, isFailure } from '../../errors.ts';
import type { Json } from '../machine/asl.ts';
import { isObject, shown } from './json-reader.ts';
import { checkKey, MAX_KEY_BYTES, type ObjectStore, withoutExtension } from '../workspace/store.ts';

/** An upload, or a start by hand or by a batch. */
export interface ConversionRequest {
  readonly bucket: string;
  readonly key: string;
  /** Version id; absent: the newest. */
  readonly version?: string;
  /** Tells runs of the same model apart: a batch gives its own id, so that it converts what was converted before. */
  readonly request?: string;
  /** Options that win over those of the job file. */
  readonly options?: Json;
  /**
   * Folder of the results in the output bucket, ending in `/`, or empty for the top of it. Default: one that no other
   * job has.
   */
  readonly folder?: string;
  /** An event brought it, which may be delivered again: it never takes over a job that failed. */
  readonly delivered?: boolean;
  /** The execution of a batch that waits for this one. */
  readonly startedBy?: string;
  /** An execution that is known to have ended without a word: its claim may be taken over. */
  readonly replaces?: string;
}

/** Where the results and the records of a job go. */
export interface JobBuckets {
  readonly output: string;
  readonly work: string;
}

/** The field that links an execution to the one that started it in the console of Step Functions. */
export const STARTED_BY = 'AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID';

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** Read a request; other fields (an event's size, a link to a parent execution) are nobody's business here. */
export function parseRequest(value: Json): ConversionRequest {
  const given: Readonly<Record<string, unknown>> = isObject(value) ? value : {};
  const required = (name: 'bucket' | 'key'): string =>
    text(given[name]) ??
    fail('WrongUsage', {
      problem: `the request has no "${name}" (${shown(value)})`,
      hint: 'start with {"bucket": "...", "key": "model.pt2"}',
    });
  const optional = (name: 'version' | 'request' | 'startedBy' | 'replaces', field: string = name) => {
    const found = text(given[field]);
    return found === undefined ? {} : { [name]: found };
  };
  const options =
    given['options'] === undefined || given['options'] === null ? {} : { options: given['options'] as Json };
  return {
    bucket: required('bucket'),
    key: checkKey(required('key')),
    ...optional('version'),
    ...optional('request'),
    ...options,
    ...folderIn(given),
    ...(given['delivered'] === true ? { delivered: true } : {}),
    ...optional('startedBy', STARTED_BY),
    ...optional('replaces'),
  };
}

function folderIn({ folder }: Readonly<Record<string, unknown>>): { folder?: string } {
  if (folder === undefined || folder === null) return {};
  if (typeof folder !== 'string' || (folder !== '' && !folder.endsWith('/'))) {
    return fail('WrongUsage', {
      problem: `the request's "folder" is ${shown(folder)}`,
      hint: 'give one that ends in "/"',
    });
  }
  if (folder !== '') checkKey(folder);
  return { folder };
}

export interface Identity {
  /** First 32 hex digits of the SHA-256 of bucket, key, version and what else tells two jobs apart. */
  readonly id: string;
  readonly hash: string;
  readonly version: string;
  readonly bytes: number;
}

const sha256 = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

const named = (hash: string): Pick<Identity, 'id' | 'hash'> => ({ id: hash.slice(0, 32), hash });

/** The same upload always has the same identity, however often it is delivered. Fails with FileNotFound. */
export async function identify(store: ObjectStore, request: ConversionRequest): Promise<Identity> {
  const { bucket, key, version } = request;
  const head = (await store.head(bucket, key, version)) ?? fail('FileNotFound', { file: `${bucket}/${key}` });
  const found = version ?? head.version;
  return {
    ...named(sha256([bucket, key, found, request.request ?? null, request.options ?? null])),
    version: found,
    bytes: head.size,
  };
}

/** Where a request is reported under, also when it names no model that could be converted. */
export interface Located extends Identity {
  readonly bucket: string;
  readonly key: string;
  readonly folder: string;
  /** Why the model could not be looked up; null: it was. */
  readonly problem: string | null;
}

/** Never fails: what cannot be looked up is reported all the same. */
export async function locate(store: ObjectStore, value: Json): Promise<Located> {
  try {
    const request = parseRequest(value);
    const identity = await identify(store, request);
    return {
      ...identity,
      bucket: request.bucket,
      key: request.key,
      folder: request.folder ?? outputFolder(request.key, identity.id),
      problem: null,
    };
  } catch (error) {
    const { bucket, key, version, request, options, folder } = isObject(value) ? value : {};
    const name = text(key) ?? '';
    const identity = { ...named(sha256(['refused', bucket, key, version, request, options])), version: '', bytes: 0 };
    // The key may be what is wrong: then it names no folder.
    const stem = isFailure(error, 'BadKey') || isFailure(error, 'WrongUsage') ? 'refused/request' : name;
    // A run on one machine asks for the top of its own folder, whatever is wrong with the rest.
    return {
      ...identity,
      bucket: text(bucket) ?? '',
      key: name,
      folder: folder === '' ? '' : outputFolder(stem, identity.id),
      problem: error instanceof Error ? error.message : String(error),
    };
  }
}

const FOLDER_DIGITS = 12;
// Room for the names of the files in the folder.
const LONGEST_NAME = 64;

/**
 * The folder of a job's results: `models/net.pt2` goes to `models/net/3f2a9c41b07d/`. The last part is the start of the
 * job's id, so
 * two versions of a model, or two runs of one, never share a folder; `models/net/latest.json` says which is the newest.
 */
export const outputFolder = (key: string, id: string): string => `${outputStem(key)}/${id.slice(0, FOLDER_DIGITS)}/`;

/** The key without its extension, shortened where the names of results would not fit behind it. */
export function outputStem(key: string): string {
  let stem = withoutExtension(key).replace(/\/+$/, '');
  const most = MAX_KEY_BYTES - FOLDER_DIGITS - LONGEST_NAME;
  if (Buffer.byteLength(stem) <= most) return stem;
  const characters = [...stem];
  while (Buffer.byteLength(stem) > most) {
    characters.pop();
    stem = characters.join('');
  }
  return stem;
}
