/**
 * A job's files: read from the input, written to the output, recorded in the work bucket; and a temporary folder that
 * goes away.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { piecesOf } from '../../bytes/hash-source.ts';
import { RecordChecker } from '../../bytes/record-check.ts';
import { keyBeside } from '../job/beside.ts';
import { readJson, writeJson } from '../../report/json.ts';
import type { HistoryFile } from '../../steps/tuning-history.ts';
import { factsKey, jobKey, partsPrefix, recordKey } from './keys.ts';
import { type ObjectName, readBytes, readText, readTextIfThere, withObject } from './read-object.ts';
import type { JobRecord, StageFacts, StoredFile, Ticket } from './record.ts';
import type { Services } from './services.ts';
import { fileNameOf, type OpenedObject, type Put, type Scratch } from './store.ts';
import { folderOutlet, type Outlet, storeOutlet } from './outlet.ts';
import { jobTags, newModelTags, type Tags } from './tags.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = { json: 'application/json', html: 'text/html; charset=utf-8' };
const contentType = (name: string): string =>
  CONTENT_TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';

export async function writeRecord(services: Services, work: string, record: JobRecord): Promise<void> {
  await services.store.putBytes({
    bucket: work,
    key: recordKey(record.id),
    bytes: Buffer.from(writeJson(record)),
    contentType: 'application/json',
  });
}

export async function writeFacts(
  services: Services,
  { id, work }: Pick<Ticket, 'id' | 'work'>,
  facts: StageFacts<unknown>,
): Promise<void> {
  const billed = services.billed?.();
  // With the request that writes it down.
  const own = billed && { billed: { ...billed, s3Writes: billed.s3Writes + 1 } };
  await services.store.putBytes({
    bucket: work,
    key: factsKey(id, facts.stage, facts.variant),
    bytes: Buffer.from(writeJson({ ...facts, ...own })),
    contentType: 'application/json',
  });
}

export type ResultPlace = 'output' | 'work';

export class Workspace {
  readonly job: JobRecord;
  readonly folder: string;
  readonly #services: Services;
  readonly #work: string;
  readonly #opened: OpenedObject[] = [];

  private constructor(
    job: JobRecord,
    { folder, work, services }: { readonly folder: string; readonly work: string; readonly services: Services },
  ) {
    this.job = job;
    this.folder = folder;
    this.#work = work;
    this.#services = services;
  }

  static async open(ticket: Ticket, services: Services): Promise<Workspace> {
    // Written by Claim.
    const record = await readText(services.store, { bucket: ticket.work, key: recordKey(ticket.id) });
    const job = JSON.parse(record) as JobRecord;
    const folder = await mkdtemp(join(services.temporaryFolder, 'torchferry-'));
    return new Workspace(job, { folder, work: ticket.work, services });
  }

  /** Close what was opened and remove the temporary folder. */
  async close(): Promise<void> {
    for (const source of this.#opened.splice(0)) source.close?.();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The model, in the version that was claimed. */
  openModel(): Promise<OpenedObject> {
    const { bucket, key, version } = this.job.input;
    return this.#open(bucket, key, version);
  }

  /** A file beside the model, by the name the job gives it. */
  openBeside(name: string): Promise<OpenedObject> {
    return this.#open(this.job.input.bucket, keyBeside(this.job.input.key, name));
  }

  /** null: nobody named it, or it is not there. */
  async openIfThere(name: string | null): Promise<OpenedObject | null> {
    if (name === null) return null;
    const key = keyBeside(this.job.input.key, name);
    return (await this.#services.store.head(this.job.input.bucket, key)) ? this.openBeside(name) : null;
  }

  async #open(bucket: string, key: string, version?: string): Promise<OpenedObject> {
    const source = await this.#services.store.open(bucket, key, version);
    this.#opened.push(source);
    return source;
  }

  /** Path of the model as a file in the temporary folder. */
  async fetchModel(): Promise<string> {
    return this.#copy(this.job.input, fileNameOf(this.job.input.key));
  }

  /**
   * Paths of files that a stage stored, together in one folder, so that a model finds the weights beside it. What was
   * copied into them unread is held against its checksums; refuses with CorruptArchive.
   */
  async fetch(files: readonly StoredFile[]): Promise<string[]> {
    const { store } = this.#services;
    const local = await Promise.all(files.map((file) => store.localPath?.(file.bucket, file.path) ?? null));
    const lie = local.filter((path): path is string => path !== null);
    if (lie.length === files.length) return lie;
    const paths: string[] = [];
    for (const { bucket, path, name, checks } of files) {
      const checker = new RecordChecker(this.job.input.key, checks ?? []);
      paths.push(await this.#copy({ bucket, key: path }, name, checker));
    }
    return paths;
  }

  async #copy(object: ObjectName, name: string, checker?: RecordChecker): Promise<string> {
    const { store, signal } = this.#services;
    const path = join(this.folder, basename(name));
    await withObject(store, object, async (source) => {
      const file = await open(path, 'w');
      try {
        for await (const bytes of piecesOf(source, signal)) {
          checker?.take(bytes);
          await file.writeFile(bytes);
        }
      } finally {
        await file.close();
      }
    });
    checker?.finish();
    return path;
  }

  /** Store a file among the results, or in the work bucket when nobody asked for it. */
  async store(path: string, name: string, place: ResultPlace = 'output'): Promise<StoredFile> {
    this.#services.signal?.throwIfAborted();
    const { size } = await stat(path);
    const sha256 = await hashFile(path);
    const described = this.#describe(name, place);
    await this.#services.store.putFile({ ...described, path });
    return { bucket: described.bucket, path: described.key, name, bytes: size, sha256 };
  }

  /** Whether what is made of the model is copied from where it lies, and needs no file of it here. */
  get copiesModels(): boolean {
    return this.#services.store.assemble !== undefined;
  }

  /** Where a model is made that goes to the results, or to the work bucket. */
  outlet(place: ResultPlace): Outlet {
    const { store, signal } = this.#services;
    const { assemble, copies } = store;
    return assemble && copies
      ? storeOutlet({
          assemble,
          copies,
          describe: (name) => this.#describe(name, place),
          scratch: this.#scratch,
          signal,
        })
      : folderOutlet({ folder: this.folder, store: (path) => this.store(path, basename(path), place), signal });
  }

  get #scratch(): Scratch {
    return { bucket: this.#work, prefix: partsPrefix(this.job.id) };
  }

  #describe(name: string, place: ResultPlace): Put {
    const { id, output } = this.job;
    return {
      ...(place === 'output'
        ? { bucket: output.bucket, key: output.folder + name, tags: newModelTags(this.job) }
        : { bucket: this.#work, key: jobKey(id, name) }),
      contentType: contentType(name),
    };
  }

  /** Keep bytes for a later stage. */
  async keep(name: string, bytes: Uint8Array): Promise<void> {
    await this.#services.store.putBytes({
      bucket: this.#work,
      key: jobKey(this.job.id, name),
      bytes,
      contentType: contentType(name),
    });
  }

  kept(name: string): Promise<Uint8Array> {
    return readBytes(this.#services.store, { bucket: this.#work, key: jobKey(this.job.id, name) });
  }

  /** A text among the records of the job, for another start of it. */
  textFile(name: string): HistoryFile {
    return {
      read: () => readTextIfThere(this.#services.store, { bucket: this.#work, key: jobKey(this.job.id, name) }),
      write: (text) => this.keep(name, Buffer.from(text)),
    };
  }

  /** Store a text among the results. */
  async storeText(name: string, text: string, tags: Tags = jobTags(this.job)): Promise<StoredFile> {
    const { output } = this.job;
    const bytes = Buffer.from(text);
    await this.#services.store.putBytes({
      bucket: output.bucket,
      key: output.folder + name,
      bytes,
      contentType: contentType(name),
      tags,
    });
    return { bucket: output.bucket, path: output.folder + name, name, bytes: bytes.byteLength, sha256: null };
  }

  /** Say of a result what is known of it now. */
  async tag(key: string, tags: Tags): Promise<void> {
    await this.#services.store.tag?.({ bucket: this.job.output.bucket, key, tags });
  }

  writeFacts(facts: StageFacts<unknown>): Promise<void> {
    return writeFacts(this.#services, { id: this.job.id, work: this.#work }, facts);
  }

  /** null when that stage wrote nothing: it did not run, or was ended from outside. */
  async readFacts<T>(stage: string, variant: string | null = null): Promise<StageFacts<T> | null> {
    const key = factsKey(this.job.id, stage, variant);
    const text = await readTextIfThere(this.#services.store, { bucket: this.#work, key });
    return text === null ? null : (readJson(text) as StageFacts<T>);
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
