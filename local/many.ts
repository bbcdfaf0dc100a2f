/** Many models on this machine: a folder of them, or a manifest, through the batch machine. */
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fail } from '../shared/errors.ts';
import { fieldsOf } from '../shared/pipeline/workspace/job-stage.ts';
import type { JobFile } from '../shared/pipeline/job/job-schema.ts';
import type { Json } from '../shared/pipeline/machine/asl.ts';
import { messageOf } from '../shared/pipeline/report/failures.ts';
import type { BatchFrame, BatchItem } from '../shared/report/batch.ts';
import type { FerryEvent } from './ferry-event.ts';
import { type FerryOptions, makeFerry } from './ferry.ts';
import { withFolderLock } from './folder-lock.ts';
import { type Indexed, writeIndex } from './index-page.ts';
import { makeStaging } from './staging.ts';

export interface LocalBatchOptions extends Pick<
  FerryOptions,
  'stages' | 'interpret' | 'concurrency' | 'processor' | 'timeLimit'
> {
  /**
   * A folder of models, or a .jsonl manifest with a key or `{ key, options? }` on each line, keys relative to its
   * folder.
   */
  readonly models: string;
  readonly outDir: string;
  /** Options for every model; those of a manifest row win. */
  readonly options?: JobFile;
  /** Percentage of models that may fail; default 100: all are tried. */
  readonly toleratedFailurePercentage?: number;
  readonly onEvent?: (event: FerryEvent) => void;
  readonly signal?: AbortSignal;
}

export interface LocalBatch {
  /** Paths. */
  readonly report: string;
  /** The page over all models, in the folder of the results itself. */
  readonly index: string;
  readonly failedManifest: string;
  readonly counts: { readonly models: number; readonly pass: number; readonly warn: number; readonly fail: number };
  /** Why the batch itself failed, which is more than that models did. */
  readonly failure: { readonly code: string; readonly message: string } | null;
}

/** Results appear model by model under the output folder, in the folders they have in an output bucket. */
export async function runLocalBatch(options: LocalBatchOptions): Promise<LocalBatch> {
  const source = await sourceOf(options.models, options.outDir);
  return withFolderLock(options.outDir, () => runBatch(options, source));
}

async function runBatch(options: LocalBatchOptions, source: Source): Promise<LocalBatch> {
  const { signal, onEvent, stages, interpret, concurrency, processor, timeLimit } = options;
  const staging = await makeStaging(options.outDir);
  const id =
    new Date()
      .toISOString()
      .replace(/\.\d+Z$/, '')
      .replaceAll(/[-:]/g, '') + `-${randomUUID().slice(0, 8)}`;
  let result: Json = null;
  try {
    const temporaryFolder = join(staging, 'temporary');
    await mkdir(temporaryFolder);
    const ferry = makeFerry({
      buckets: { input: source.bucket, output: options.outDir, work: join(staging, 'work') },
      temporaryFolder,
      onEvent: (event) => {
        if (event.kind === 'event' && event.type.startsWith('model.batch'))
          result = fieldsOf(event.detail)['result'] ?? null;
        onEvent?.(event);
      },
      ...(stages ? { stages } : {}),
      ...(interpret ? { interpret } : {}),
      ...(processor ? { processor } : {}),
      ...(timeLimit === undefined ? {} : { timeLimit }),
      ...(concurrency === undefined ? {} : { concurrency }),
    });
    const input = {
      bucket: 'input',
      ...source.input,
      ...(options.options ? { options: JSON.parse(JSON.stringify(options.options)) as Json } : {}),
      ...(options.toleratedFailurePercentage === undefined
        ? {}
        : { toleratedFailurePercentage: options.toleratedFailurePercentage }),
    };
    const outcome = await ferry.batch(input, { name: id, ...(signal ? { signal } : {}) });
    signal?.throwIfAborted();
    if (outcome.status === 'ABORTED') throw new Error('the batch was aborted without a signal');
    const { models, pass, warn, fail: failed, output } = fieldsOf(result);
    const folder = fieldsOf(output ?? null)['folder'];
    // Not even a report: the machine's own words are all there is.
    if (typeof folder !== 'string')
      throw new Error(
        outcome.status === 'SUCCEEDED' ? 'the batch ended without a result' : `${outcome.error}: ${outcome.cause}`,
      );
    const report = join(options.outDir, folder, 'batch-report.html');
    return {
      report,
      index: await indexOver(options.outDir, report, { id, now: Date.now() }),
      failedManifest: join(options.outDir, folder, 'failed.jsonl'),
      counts: { models: Number(models), pass: Number(pass), warn: Number(warn), fail: Number(failed) },
      failure: outcome.status === 'SUCCEEDED' ? null : { code: outcome.error, message: messageOf(outcome.cause) },
    };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** The lines of the batch's own report, with links from the folder of the results. */
async function indexOver(outDir: string, report: string, how: Indexed): Promise<string> {
  const { items, cost = null } = JSON.parse(await readFile(report.replace(/html$/, 'json'), 'utf8')) as BatchFrame & {
    readonly items: readonly BatchItem[];
  };
  const fromTop = (path: string): string =>
    relative(outDir, join(dirname(report), path))
      .split(sep)
      .join('/');
  const linked = items.map((item) => ({ ...item, report: item.report === null ? null : fromTop(item.report) }));
  return writeIndex(outDir, linked, { ...how, cost });
}

interface Source {
  readonly bucket: string;
  readonly input: { readonly manifest: string } | { readonly prefix: string };
}

async function sourceOf(models: string, outDir: string): Promise<Source> {
  const path = resolve(models);
  const found = await stat(path).catch(() => null);
  if (!found) return fail('FileNotFound', { file: models });
  if (!found.isDirectory()) return { bucket: dirname(path), input: { manifest: basename(path) } };
  const inside = relative(path, resolve(outDir));
  if (inside === '' || (inside !== '..' && !inside.startsWith(`..${sep}`))) {
    fail('WrongUsage', {
      problem: `the results would lie among the models, in "${outDir}"`,
      hint: 'choose an output folder outside of the folder of models',
    });
  }
  return { bucket: path, input: { prefix: '' } };
}
