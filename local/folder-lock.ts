/** One process at a time works on an output folder: results of two would mix, and neither report would be true. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, MACHINE } from '../shared/bytes/unfinished.ts';
import { fail } from '../shared/errors.ts';

const NAME = '.torchferry-lock';

interface Holder {
  readonly pid: number;
  readonly machine: string;
}

/** Do the work with the folder locked; refuses with OutputInUse, which names the process that has it. */
export async function withFolderLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, NAME);
  await take(path, folder);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string, folder: string): Promise<void> {
  const mine = `${path}-${randomUUID()}`;
  await writeFile(mine, JSON.stringify({ pid: process.pid, machine: MACHINE } satisfies Holder));
  try {
    // A link fails when its name is taken, and the file behind it is complete.
    while (!(await isLinked(mine, path))) await removeStale(mine, path, folder);
  } finally {
    await rm(mine, { force: true });
  }
}

async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock of a process that is gone; refuses where it may be at work. */
async function removeStale(mine: string, path: string, folder: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => null);
  // Given back in between.
  if (text === null) return;
  const holder = holderIn(text);
  if (!holder || holder.machine !== MACHINE || isAlive(holder.pid)) {
    const who = holder
      ? `process ${holder.pid}${holder.machine === MACHINE ? '' : ` of ${holder.machine}`}`
      : 'somebody';
    fail('OutputInUse', { folder, who, lock: path });
  }
  await alone(mine, `${path}-stale`, async () => {
    // Another may have removed it meanwhile, and a third put its own there.
    if ((await readFile(path, 'utf8').catch(() => null)) === text) await rm(path, { force: true });
  });
}

/** One at a time looks whether a lock is stale and removes it: what two found stale may be the new lock of a third. */
async function alone(mine: string, path: string, work: () => Promise<void>): Promise<void> {
  if (!(await isLinked(mine, path))) {
    const other = holderIn(await readFile(path, 'utf8').catch(() => ''));
    if (other?.machine === MACHINE && !isAlive(other.pid)) await rm(path, { force: true });
    return;
  }
  try {
    await work();
  } finally {
    await rm(path, { force: true });
  }
}

function holderIn(text: string): Holder | null {
  try {
    const { pid, machine } = JSON.parse(text) as Partial<Holder>;
    return typeof pid === 'number' && typeof machine === 'string' ? { pid, machine } : null;
  } catch {
    return null;
  }
}
