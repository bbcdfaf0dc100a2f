/** What a whole process costs: time, and the memory it says itself that it had at most. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface Cost {
  readonly seconds: number;
  readonly megabytes: number;
}

const PEAK = 'peak KiB ';
const NODE_HOOK = `data:text/javascript,process.on('exit',()=>console.error('${PEAK}'+process.resourceUsage().maxRSS))`;
const PYTHON_HOOK =
  'import resource, runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0]); ' +
  `print('${PEAK}' + str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss), file=sys.stderr)`;

/** The command line as it is installed. */
export const BUILT_CLI = join(import.meta.dirname, '../dist/cli/main.js');

export const costOfNode = (...args: readonly string[]): Cost =>
  costOf(process.execPath, ['--import', NODE_HOOK, ...args]);
export const costOfPython = (python: string, ...args: readonly string[]): Cost =>
  costOf(python, ['-c', PYTHON_HOOK, ...args]);

function costOf(program: string, args: readonly string[]): Cost {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  const seconds = (performance.now() - start) / 1000;
  const peak = stderr.split('\n').findLast((line) => line.startsWith(PEAK));
  if (status !== 0 || peak === undefined) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
  return { seconds, megabytes: Number(peak.slice(PEAK.length)) / 1024 };
}
