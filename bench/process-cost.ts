/** What a whole process and those it starts cost, as Linux counts it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface Cost {
  readonly seconds: number;
  /** Of the processor, on all its cores. */
  readonly processorSeconds: number;
  /** At most, of all of them at once; pages of two processes are half of each (Pss). */
  readonly megabytes: number;
}

/** The command line as it is installed. */
export const BUILT_CLI = join(import.meta.dirname, '../dist/cli/main.js');

/** Between two looks, in milliseconds: what a process does after the last one is not counted. */
const LOOK = 20;
/** Of the clock in /proc/PID/stat, a second. */
const TICKS = 100;

export async function costOf(program: string, args: readonly string[]): Promise<Cost> {
  const start = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, ended] = [text(child.stderr), once(child, 'close')];
  const found = new Map<number, ProcessCost>();
  let most = 0;
  const sum = (of: keyof ProcessCost): number => [...found.values()].reduce((total, cost) => total + cost[of], 0);
  const watch = setInterval(() => {
    for (const [pid, { ticks }] of found) found.set(pid, { ticks, kibibytes: 0 });
    if (child.pid !== undefined) look(child.pid, found);
    most = Math.max(most, sum('kibibytes'));
  }, LOOK);
  const [status] = await ended.finally(() => clearInterval(watch));
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${await said}`);
  return { seconds, processorSeconds: sum('ticks') / TICKS, megabytes: most / 1024 };
}

interface ProcessCost {
  readonly ticks: number;
  /** Now. */
  readonly kibibytes: number;
}

/** Of a process and those under it that are there now. */
function look(pid: number, found: Map<number, ProcessCost>): void {
  try {
    const [stat, memory] = ['stat', 'smaps_rollup'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1'));
    // After the name, which may hold anything: utime and stime are the 14th and 15th field.
    const fields = stat!
      .slice(stat!.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const kibibytes = Number(/^Pss:\s*(\d+)/m.exec(memory!)?.[1] ?? 0);
    found.set(pid, { ticks: fields[11]! + fields[12]!, kibibytes });
    const under = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
    for (const one of under) look(Number(one), found);
  } catch {
    // It has ended in between: what was seen of it stands.
  }
}
