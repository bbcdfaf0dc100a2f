/** The runs of a server: made, filled with files, run one after another on this machine, watched by every page. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type LocalRunOptions, runLocal } from '../local/run.ts';
import { STAGE_SECONDS } from '../local/stage-process.ts';
import { slots } from '../local/slots.ts';
import { underWay } from '../local/under-way.ts';
import { asFailure, fail, isFailure } from '../shared/errors.ts';
import { groupsOf, stemOf } from './groups.ts';
import { inputFolder, loadRuns, resultFolder, saveRun } from './kept-run.ts';
import { isOver, type Run, withStep } from './run.ts';
import { receive, type Upload } from './upload.ts';

export interface RunsOptions extends Pick<LocalRunOptions, 'stages' | 'processor' | 'interpret'> {
  /** Folder of the runs. */
  readonly root: string;
  readonly limits: Limits;
  /** Ends what runs. */
  readonly signal: AbortSignal;
}

export interface Limits {
  /** Bytes of one file. */
  readonly fileBytes: number;
  /** Files of one drop. */
  readonly files: number;
}

export type Watch = (run: Run) => void;

export interface Runs {
  /** Newest first. */
  all(): readonly Run[];
  /** Refuses with FileNotFound. */
  get(id: string): Run;
  folder(id: string): string;
  /** A run for each model among the names. */
  create(names: readonly string[]): Promise<readonly Run[]>;
  upload(id: string, name: string, upload: Omit<Upload, 'limit'>): Promise<void>;
  /** Put it in line; it has ended when its state says so. */
  start(id: string): Promise<Run>;
  stop(id: string): Promise<Run>;
  /** Called with every change from now on; returns what ends that. */
  watch(watch: Watch): () => void;
  ended(): Promise<void>;
}

export async function makeRuns({ root, limits, signal, ...local }: RunsOptions): Promise<Runs> {
  const runs = new Map((await loadRuns(root)).map((run) => [run.id, run]));
  const received = new Map<string, Set<string>>();
  const stops = new Map<string, AbortController>();
  const watches = new Set<Watch>();
  const running = underWay();
  const takeSlot = slots(1);
  const folder = (id: string): string => join(root, get(id).id);

  function get(id: string): Run {
    return runs.get(id) ?? fail('FileNotFound', { file: id });
  }

  function change(id: string, changes: Partial<Run>): Run {
    const run = { ...get(id), ...changes };
    runs.set(id, run);
    for (const watch of watches) watch(run);
    return run;
  }

  async function keep(id: string, changes: Partial<Run>): Promise<Run> {
    const run = change(id, changes);
    await saveRun(folder(id), run);
    return run;
  }

  /** Of the last run of a model of that name which came to an end. */
  async function reportBefore(id: string): Promise<string | null> {
    const { model } = get(id);
    const before = [...runs.values()].findLast((run) => run.id !== id && run.model === model && run.status === 'done');
    return before ? readFile(join(resultFolder(folder(before.id)), 'report.json'), 'utf8').catch(() => null) : null;
  }

  async function work(id: string, stop: AbortSignal): Promise<void> {
    const { model } = get(id);
    const outDir = resultFolder(folder(id));
    try {
      stop.throwIfAborted();
      change(id, { status: 'running' });
      const { verdict, sentence, failure, failed, files } = await runLocal({
        timeLimit: STAGE_SECONDS,
        ...local,
        model: join(inputFolder(folder(id)), model),
        outDir,
        signal: stop,
        earlierReport: () => reportBefore(id),
        onEvent: (event) => {
          if (event.kind === 'stage') change(id, { steps: withStep(get(id).steps, event) });
        },
      });
      const code = failure?.code ?? failed[0]?.code ?? null;
      const status = code === null ? 'done' : 'failed';
      const paths = files.map((file) => relative(outDir, file).split(sep).join('/'));
      await keep(id, { status, verdict, sentence, code, files: paths });
    } catch (error) {
      if (stop.aborted) return void (await keep(id, { status: 'stopped', sentence: 'It was stopped.' }));
      const failure = asFailure(error);
      const code = isFailure(failure) ? failure.code : 'Error';
      const sentence = failure instanceof Error ? failure.message : String(failure);
      await keep(id, { status: 'failed', verdict: 'fail', code, sentence });
    }
  }

  return {
    all: () => [...runs.values()].reverse(),
    get,
    folder,
    async create(names) {
      if (names.length > limits.files) {
        const hint = `drop at most ${limits.files} at a time`;
        fail('WrongUsage', { problem: `${names.length} files were dropped together`, hint });
      }
      const made: Run[] = [];
      for (const { model, files } of groupsOf(names)) {
        const id = idOf(model);
        await mkdir(inputFolder(join(root, id)), { recursive: true });
        const created = new Date().toISOString();
        const nothing = { steps: [], verdict: null, sentence: null, code: null, files: [] };
        runs.set(id, { id, model, inputs: files, created, status: 'uploading', ...nothing });
        received.set(id, new Set());
        made.push(await keep(id, {}));
      }
      return made;
    },
    async upload(id, name, upload) {
      const { inputs, status } = get(id);
      if (!inputs.includes(name) || status !== 'uploading') {
        const hint = 'drop the files again';
        fail('BadUpload', { file: name, problem: `run "${id}" does not wait for it`, hint });
      }
      await receive(join(inputFolder(folder(id)), name), { ...upload, limit: limits.fileBytes });
      received.get(id)!.add(name);
    },
    async start(id) {
      const { inputs, status } = get(id);
      const missing = inputs.filter((name) => !received.get(id)?.has(name));
      if (status !== 'uploading' || missing.length > 0) {
        const problem = status === 'uploading' ? `${missing.join(', ')} did not arrive` : `run "${id}" was started`;
        fail('BadUpload', { file: missing[0] ?? id, problem, hint: 'drop the files again' });
      }
      const stop = new AbortController();
      stops.set(id, stop);
      const run = await keep(id, { status: 'waiting' });
      const either = AbortSignal.any([signal, stop.signal]);
      void running.add(takeSlot(() => work(id, either)).finally(() => stops.delete(id)));
      return run;
    },
    async stop(id) {
      const stop = stops.get(id);
      if (stop) {
        // It has stopped when its stage lets go of its files.
        change(id, { status: 'stopping' });
        stop.abort(new Error('stopped'));
      }
      if (get(id).status !== 'uploading') return get(id);
      return keep(id, { status: 'stopped', sentence: 'Its files did not all arrive.' });
    },
    watch(watch) {
      watches.add(watch);
      return () => void watches.delete(watch);
    },
    async ended() {
      await running.ended();
      for (const run of runs.values()) if (!isOver(run)) await keep(run.id, { status: 'stopped' });
    },
  };
}

/** Sorts by time and says what it is of: letters of the model's name that every file system and address takes. */
function idOf(model: string): string {
  const time = new Date()
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replaceAll(/[-:]/g, '');
  const name = stemOf(model)
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, 40);
  return `${time}-${name}-${randomUUID().slice(0, 8)}`;
}
