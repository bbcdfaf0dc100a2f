/**
 * Names for what is not finished: they say which process of which machine is at work, so that what a killed one left is
 * found and removed.
 */
import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

// Processes of other machines on a shared disk are none of ours to judge.
export const MACHINE = hostname().replaceAll(/[^\w]/g, '_').slice(0, 64);

/** `<prefix><machine>-<pid>-`, to be followed by what makes it unique. */
export const unfinishedPrefix = (prefix: string): string => `${prefix}${MACHINE}-${process.pid}-`;

export const unfinishedName = (prefix: string): string => unfinishedPrefix(prefix) + randomUUID();

/**
 * Removes from a folder what began with `prefix` in processes of this machine that are gone. Returns how many names it
 * looked at.
 */
export async function removeAbandoned(folder: string, prefix: string): Promise<number> {
  const names = await readdir(folder);
  for (const name of names)
    if (isAbandoned(name, prefix)) await rm(join(folder, name), { recursive: true, force: true });
  return names.length;
}

function isAbandoned(name: string, prefix: string): boolean {
  const start = `${prefix}${MACHINE}-`;
  const pid = name.startsWith(start) ? Number(/^(\d+)-/.exec(name.slice(start.length))?.[1]) : NaN;
  return Number.isSafeInteger(pid) && pid !== process.pid && !isAlive(pid);
}

/** Whether a process of this machine is there. */
export function isAlive(pid: number): boolean {
  try {
    // Signal 0 only asks.
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
