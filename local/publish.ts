/**
 * Moves what a run made into its output folder. Results of an earlier run stay until new ones are complete: a run that
 * fails beside them leaves what it has to say in a folder of its own.
 */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isSameFile, requireOutput } from '../shared/bytes/output-file.ts';
import { fail } from '../shared/errors.ts';
import { GRAPH_PAGE } from '../shared/report/graph/facts.ts';
import type { Report } from '../shared/report/report.ts';

/** Where a failed run is reported when the folder holds results of an earlier one. */
export const FAILED_FOLDER = 'failed';

export interface Results {
  /** Folder of what was made. */
  readonly from: string;
  readonly outDir: string;
  /** Path of the model, which stays whatever it is called. */
  readonly model: string;
  readonly succeeded: boolean;
}

/** Returns the paths of everything that was written, the report last. */
export async function publish({ from, outDir, model, succeeded }: Results): Promise<string[]> {
  const earlier = await lastRun(outDir);
  if (!succeeded && earlier.isGood) {
    const folder = join(outDir, FAILED_FOLDER);
    await removeOwn(folder);
    await mkdir(folder, { recursive: true });
    return move(from, folder, model);
  }
  const names = await readdir(from);
  for (const stale of earlier.files) {
    const path = join(outDir, stale);
    if (!names.includes(stale) && !isSameFile(path, model)) await rm(path, { force: true });
  }
  await removeOwn(join(outDir, FAILED_FOLDER));
  return move(from, outDir, model);
}

/** The report last: whoever sees it finds everything it names. */
async function move(from: string, to: string, model: string): Promise<string[]> {
  const isReport = (name: string): boolean => name.startsWith('report.');
  const names = (await readdir(from)).sort((a, b) => Number(isReport(a)) - Number(isReport(b)));
  const files: string[] = [];
  for (const name of names) {
    const path = join(to, name);
    // Weights that stay in the PyTorch file: it lies there already.
    if (!isSameFile(path, model)) await rename(join(from, name), path);
    files.push(path);
  }
  return files;
}

/** Names that a run may write, so that what lies there can be judged before any work. */
const RESULTS = /^(?:model(?:\..+)?\.onnx(?:\.data)?|report\.(?:html|json)|graph\.html)$/;

/** Refuses a folder whose own names would be in the way; with BadOutput. */
export async function requireOutputFolder(outDir: string, model: string): Promise<void> {
  const names = await readdir(outDir).catch((cause: unknown): string[] => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    if ((cause as NodeJS.ErrnoException).code !== 'ENOTDIR') throw cause;
    return fail('BadOutput', { file: outDir, problem: 'it is no folder', hint: 'choose a folder' }, cause);
  });
  for (const name of names) if (RESULTS.test(name)) requireOutput(join(outDir, name), [model]);
}

interface LastRun {
  /** It left all the models it was asked for. */
  readonly isGood: boolean;
  /** Names of the models it listed, and of the page of their graph. */
  readonly files: readonly string[];
}

async function lastRun(folder: string): Promise<LastRun> {
  try {
    const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as Partial<Report>;
    const { reportVersion, variants, verdict } = report;
    if (reportVersion === undefined || !variants) return NOTHING;
    const files = variants
      .flatMap((variant) => variant.files)
      .map(({ path }) => path)
      .filter((path) => path === basename(path));
    const isWhole = variants.every((variant) => !variant.failure);
    return { isGood: verdict?.status !== 'fail' && isWhole && files.length > 0, files: [...files, GRAPH_PAGE] };
  } catch {
    // No report, or none of ours: nothing here is known to be from us.
    return NOTHING;
  }
}
const NOTHING: LastRun = { isGood: false, files: [] };

/** A folder of an earlier failure; one that somebody else made is left alone. */
async function removeOwn(folder: string): Promise<void> {
  const ours = await readFile(join(folder, 'report.json'), 'utf8').then(
    (text) => text.includes('"reportVersion"'),
    () => false,
  );
  if (ours) await rm(folder, { recursive: true });
}
