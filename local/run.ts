/**
 * One model through the whole pipeline on this machine: everything that will appear in the output folder appears at the
 * end, or nothing does.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isSameFile } from '../shared/bytes/output-file.ts';
import { fail } from '../shared/errors.ts';
import type { Json } from '../shared/pipeline/machine/asl.ts';
import { removeTrials } from '../shared/steps/trials-file.ts';
import { fieldsOf } from '../shared/pipeline/workspace/job-stage.ts';
import { readJobAt } from '../shared/pipeline/job/parse-job.ts';
import { type FailedVariant, messageOf } from '../shared/pipeline/report/failures.ts';
import type { JobFile } from '../shared/pipeline/job/job-schema.ts';
import type { Verdict } from '../shared/report/report.ts';
import type { FerryEvent } from './ferry-event.ts';
import { type FerryOptions, makeFerry } from './ferry.ts';
import type { HistoryEvent } from './execution.ts';
import { withFolderLock } from './folder-lock.ts';
import { publish, requireOutputFolder } from './publish.ts';
import { makeStaging } from './staging.ts';

export interface LocalRunOptions extends Pick<
  FerryOptions,
  'stages' | 'interpret' | 'processor' | 'earlierReport' | 'timeLimit'
> {
  /** Path of the model; a job file and data lie beside it. */
  readonly model: string;
  /** Folder of the results; made when it is not there. */
  readonly outDir: string;
  /** Path of a job file whose options win over those of the one beside the model. */
  readonly job?: string;
  /** Options that win over every file. */
  readonly options?: JobFile;
  /** Paths of data that need not lie beside the model; they win over the names in options. */
  readonly data?: Partial<Readonly<Record<DataOption, string>>>;
  readonly onEvent?: (event: FerryEvent) => void;
  /** When it fires, nothing of this run stays and its reason is thrown. */
  readonly signal?: AbortSignal;
}

type DataOption = 'calibration' | 'test_data' | 'reference' | 'example_inputs';

export interface LocalRun {
  readonly verdict: Verdict;
  readonly sentence: string;
  readonly chosen: string | null;
  /** Why it failed; null unless the verdict is `fail`. */
  readonly failure: { readonly code: string; readonly message: string } | null;
  /** Variants that were asked for and did not come out, beside others that did. */
  readonly failed: readonly FailedVariant[];
  /** Paths of everything that was written. */
  readonly files: readonly string[];
  /** Path of report.html; null only when not even that could be written. */
  readonly report: string | null;
  readonly history: readonly HistoryEvent[];
}

type Reported = Pick<LocalRun, 'verdict' | 'sentence' | 'chosen' | 'failed'>;

export async function runLocal(options: LocalRunOptions): Promise<LocalRun> {
  const { outDir } = options;
  const model = resolve(options.model);
  if (!(await stat(model).catch(() => null))?.isFile()) fail('FileNotFound', { file: options.model });
  await requireOutputFolder(outDir, model);
  const wanted = await requestOptions(options);
  return withFolderLock(outDir, () => runIn(options, model, wanted));
}

async function runIn(options: LocalRunOptions, model: string, wanted: Json | null): Promise<LocalRun> {
  const { signal, outDir } = options;
  const staging = await makeStaging(outDir);
  try {
    const folders = {
      output: join(staging, 'output'),
      work: join(staging, 'work'),
      temporary: join(staging, 'temporary'),
    };
    for (const folder of Object.values(folders)) await mkdir(folder);
    const ferry = makeFerry({
      buckets: { input: dirname(model), output: folders.output, work: folders.work },
      temporaryFolder: folders.temporary,
      // What was tried outlives a run that is killed.
      trialsFolder: outDir,
      given: new Map(Object.values(options.data ?? {}).map((path) => [keyOfGiven(model, path), resolve(path)])),
      // Of the run before in the same folder, unless the caller knows of another.
      earlierReport: () => readFile(join(outDir, 'report.json'), 'utf8').catch(() => null),
      ...pick(options, 'onEvent', 'stages', 'interpret', 'processor', 'earlierReport', 'timeLimit'),
    });
    const request = { bucket: 'input', key: basename(model), folder: '', ...(wanted ? { options: wanted } : {}) };
    const outcome = await ferry.convert(request, signal ? { signal } : {});
    signal?.throwIfAborted();
    if (outcome.status === 'ABORTED') throw new Error('the run was aborted without a signal');
    // What the report stage returned.
    const reported = fieldsOf(outcome.status === 'SUCCEEDED' ? outcome.output : null) as unknown as Reported;
    const succeeded = outcome.status === 'SUCCEEDED' && reported.failed.length === 0;
    const files = await publish({ from: folders.output, outDir, model, succeeded });
    if (succeeded) await removeTrials(outDir);
    const html = files.find((file) => basename(file) === 'report.html') ?? null;
    const common = { files, report: html, history: outcome.history };
    if (outcome.status !== 'SUCCEEDED') {
      const message = messageOf(outcome.cause);
      return {
        verdict: 'fail',
        sentence: message,
        chosen: null,
        failure: { code: outcome.error, message },
        failed: [],
        ...common,
      };
    }
    const { verdict, sentence, chosen, failed } = reported;
    return { verdict, sentence, chosen, failure: null, failed, ...common };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function requestOptions({ job, options, data = {}, model }: LocalRunOptions): Promise<Json | null> {
  const given = Object.fromEntries(Object.entries(data).map(([option, path]) => [option, keyOfGiven(model, path)]));
  const merged = { ...(job === undefined ? {} : await readJobAt(job)), ...options, ...given };
  return Object.keys(merged).length ? (JSON.parse(JSON.stringify(merged)) as Json) : null;
}

/** The name under which a file stands beside the model: its own, unless another file there has it. */
function keyOfGiven(model: string, path: string): string {
  const beside = join(dirname(resolve(model)), basename(path));
  return existsSync(beside) && !isSameFile(beside, path) ? `given/${basename(path)}` : basename(path);
}

function pick<T extends object, K extends keyof T>(from: T, ...names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]])) as Pick<
    T,
    K
  >;
}
