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
  /** At most: what each process took at its most, added. */
  readonly megabytes: number;
}

/** The command line as it is installed. */
export const BUILT_CLI = join(import.meta.dirname, '../dist/cli/main.js');

/** Between two looks, in milliseconds: what a process does after the last one is not counted. */
const LOOK = 5;
/** Of the clock in /proc/PID/stat, a second. */
const TICKS = 100;

export async function costOf(program: string, args: readonly string[]): Promise<Cost> {
  const start = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, ended] = [text(child.stderr), once(child, 'close')];
  const found = new Map<number, ProcessCost>();
  const watch = setInterval(() => child.pid !== undefined && look(child.pid, found), LOOK);
  const [status] = await ended.finally(() => clearInterval(watch));
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${await said}`);
  const sum = (of: keyof ProcessCost): number => [...found.values()].reduce((total, cost) => total + cost[of], 0);
  return { seconds, processorSeconds: sum('ticks') / TICKS, megabytes: sum('kibibytes') / 1024 };
}

interface ProcessCost {
  readonly ticks: number;
  readonly kibibytes: number;
}

/** Of a process and those under it that are there now. */
function look(pid: number, found: Map<number, ProcessCost>): void {
  try {
    const [status, stat] = ['status', 'stat'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1'));
    const kibibytes = Number(/^VmHWM:\s*(\d+)/m.exec(status!)?.[1] ?? found.get(pid)?.kibibytes ?? 0);
    // After the name, which may hold anything: utime and stime are the 14th and 15th field.
    const fields = stat!
      .slice(stat!.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    found.set(pid, { ticks: fields[11]! + fields[12]!, kibibytes });
    const under = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
    for (const one of under) look(Number(one), found);
  } catch {
    // It has ended in between: what was seen of it stands.
  }
}
