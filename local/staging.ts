/**
 * A folder for what is not finished, inside the folder of what is: moving out of it costs nothing, and a killed run's
 * is found by the next one.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const NAME = '.torchferry-unfinished-';
// Runs of other machines on a shared disk are none of ours to judge.
const MACHINE = hostname().replaceAll(/[^\w]/g, '_');

/** Make one in `folder`, and remove those of processes of this machine that are gone. */
export async function makeStaging(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder))
    if (isAbandoned(name)) await rm(join(folder, name), { recursive: true, force: true });
  return mkdtemp(join(folder, `${NAME}${MACHINE}-${process.pid}-`));
}

function isAbandoned(name: string): boolean {
  const prefix = `${NAME}${MACHINE}-`;
  const pid = name.startsWith(prefix) ? Number(/^(\d+)-/.exec(name.slice(prefix.length))?.[1]) : NaN;
  return Number.isSafeInteger(pid) && pid !== process.pid && !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    // Signal 0 only asks whether the process is there.
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
