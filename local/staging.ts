/**
 * A folder for what is not finished, inside the folder of what is: moving out of it costs nothing, and a killed run's
 * is found by the next one.
 */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { removeAbandoned, unfinishedPrefix } from '../shared/bytes/unfinished.ts';

const NAME = '.torchferry-unfinished-';

/** Make one in `folder`, and remove those of processes of this machine that are gone. */
export async function makeStaging(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await removeAbandoned(folder, NAME);
  return mkdtemp(join(folder, unfinishedPrefix(NAME)));
}
