/** A folder for what a command makes on its way, gone when it ends, well or not; a killed one's goes with the next. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeAbandoned, unfinishedPrefix } from '../shared/bytes/unfinished.ts';

const NAME = 'torchferry-work-';

export async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  await removeAbandoned(tmpdir(), NAME);
  const folder = mkdtempSync(join(tmpdir(), unfinishedPrefix(NAME)));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
