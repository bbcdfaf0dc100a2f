/** What a whole process costs: time, and what it says itself of the processor's and of its memory. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface Cost {
  readonly seconds: number;
  /** Of the processor, on all its cores. */
  readonly processorSeconds: number;
  /** At most. */
  readonly megabytes: number;
}

/** Seconds of the processor and KiB follow. */
const TOOK = 'process took ';
const NODE_HOOK =
  `data:text/javascript,process.on('exit',()=>{const u=process.resourceUsage();` +
  `console.error('${TOOK}'+(u.userCPUTime+u.systemCPUTime)/1e6+' '+u.maxRSS)})`;
const PYTHON_HOOK =
  'import resource, runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0]); ' +
  'u = resource.getrusage(resource.RUSAGE_SELF); ' +
  `print('${TOOK}' + str(u.ru_utime + u.ru_stime) + ' ' + str(u.ru_maxrss), file=sys.stderr)`;

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
  const said = stderr.split('\n').findLast((line) => line.startsWith(TOOK));
  if (status !== 0 || said === undefined) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
  const [processorSeconds, kibibytes] = said.slice(TOOK.length).split(' ').map(Number) as [number, number];
  return { seconds, processorSeconds, megabytes: kibibytes / 1024 };
}
