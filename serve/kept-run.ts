/** How a run is kept: a folder with what was dropped, what came out, and run.json. */
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isOver, type Run, STATUSES } from './run.ts';

const FILE = 'run.json';
export const inputFolder = (folder: string): string => join(folder, 'input');
export const resultFolder = (folder: string): string => join(folder, 'results');

/** Complete or as it was: a server that is killed leaves no half of it. */
export async function saveRun(folder: string, run: Run): Promise<void> {
  const path = join(folder, FILE);
  await writeFile(`${path}.partial`, `${JSON.stringify(run, null, 2)}\n`);
  await rename(`${path}.partial`, path);
}

/** The runs of an earlier server, oldest first. What was under way then is stopped. */
export async function loadRuns(root: string): Promise<readonly Run[]> {
  const names = await readdir(root);
  const runs = await Promise.all(names.map((name) => loadRun(join(root, name), name)));
  return runs.flatMap((run) => run ?? []).sort((a, b) => (a.created < b.created ? -1 : 1));
}

async function loadRun(folder: string, id: string): Promise<Run | null> {
  try {
    const run = JSON.parse(await readFile(join(folder, FILE), 'utf8')) as Run;
    if (run.id !== id || !STATUSES.includes(run.status)) return null;
    return isOver(run) ? run : { ...run, status: 'stopped', sentence: 'The server ended before the run did.' };
  } catch {
    // Another folder that lies there, or no folder at all.
    return null;
  }
}
