/** Trials in a file of this machine, until a model was found by them. */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HistoryFile } from './tuning-history.ts';

/** Nobody else's files begin with it. */
const PREFIX = '.torchferry-trials-';

export interface TrialsFile extends HistoryFile {
  /** It is of no use any more. */
  remove(): Promise<void>;
}

export function trialsFile(folder: string, name: string): TrialsFile {
  const path = join(folder, `${PREFIX}${name}.json`);
  return {
    async read() {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    async write(text) {
      await writeFile(`${path}.part`, text);
      await rename(`${path}.part`, path);
    },
    remove: () => rm(path, { force: true }),
  };
}

/** Of whatever was tuned into the folder. */
export async function removeTrials(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith(PREFIX)) await rm(join(folder, name), { force: true });
}
