/** Whether commands can run here as on a processor without VNNI. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const CPUINFO = '/proc/cpuinfo';

export const hasVnni = (): boolean => existsSync(CPUINFO) && /\bavx(512)?_vnni\b/.test(readFileSync(CPUINFO, 'utf8'));

/** What makes a mount namespace: as root, else as a user that is root in one of its own. */
export const unshare = (): readonly string[] =>
  process.getuid?.() === 0 ? ['unshare', '--mount'] : ['unshare', '--mount', '--map-root-user'];

export interface Possible {
  /** What stands in front of a command. */
  readonly command: readonly string[];
}

export function withoutVnni(): Possible | { readonly why: string } {
  if (process.arch !== 'x64' || process.platform !== 'linux') return { why: 'needs Linux on x64' };
  if (!hasVnni()) return { command: [] };
  const [program, ...args] = unshare();
  const trial = spawnSync(program!, [...args, 'sh', '-c', `mount --bind ${CPUINFO} ${CPUINFO}`]);
  if (trial.status !== 0) return { why: 'needs a mount namespace (unshare --mount)' };
  return { command: [process.execPath, join(import.meta.dirname, 'run.ts')] };
}
