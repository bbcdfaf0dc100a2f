/**
 * Cold starts of the bundled stages: from the start of a process to its first answer, a small model converted and
 * validated, beside a Node that does nothing. `npm run bench:cold`. Judged is processor time, which a busy machine
 * stretches too: as much as that of the bare Node beside it, whose quiet time is known.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeProgram } from './large/model.ts';
import { type CountedRun, StageRunner } from './large/stage-runner.ts';

const RUNS = 7;
/** Processor time of a Node that does nothing, on a quiet machine, in milliseconds. */
const QUIET = 26;
/** Milliseconds on that machine. */
const LIMITS = { claim: null, convert: 350, validate: 600, report: null } as const;
type Measured = keyof typeof LIMITS;

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

const BARE = 'const { user, system } = process.cpuUsage(); console.log(performance.now(), (user + system) / 1000)';
const bare = (): readonly number[] =>
  execFileSync(process.execPath, ['-e', BARE], { encoding: 'utf8' }).split(' ').map(Number);

const folder = mkdtempSync(join(tmpdir(), 'torchferry-cold-'));
const runner = await StageRunner.start(folder);
try {
  const file = join(folder, 'model.pt2');
  writeProgram(file, { layers: 4, width: 64, weights: 'kept' });
  const buckets = { output: 'output', work: 'work' };
  const request = { bucket: 'input', key: 'model.pt2' };
  let job: object = {};
  const claim = async (): Promise<CountedRun> => {
    await runner.clear();
    await runner.adopt('input/model.pt2', file);
    const claimed = await runner.run('claim', { request, execution: 'bench', buckets });
    ({ job } = claimed.output as { readonly job: object });
    return claimed;
  };
  const variant = { name: 'fp32', quantize: false };
  const RUN: Readonly<Record<Measured, () => Promise<CountedRun>>> = {
    claim,
    convert: () => runner.run('convert', { job }),
    validate: () => runner.run('validate', { job, variant }),
    report: () => runner.run('report', { job, variants: [{ variant: 'fp32', failure: null }] }),
  };
  for (const stage of Object.keys(LIMITS) as Measured[]) {
    const runs: CountedRun[] = [];
    const idle: (readonly number[])[] = [];
    // The first reads files that nobody read before.
    for (let i = 0; i <= RUNS; i++) {
      runs.push(await RUN[stage]());
      idle.push(bare());
    }
    const clock = median(runs.slice(1).map(({ sinceStart }) => sinceStart));
    const processor = median(runs.slice(1).map(({ processorMs }) => processorMs));
    const [idleClock, idleProcessor] = [0, 1].map((i) => median(idle.slice(1).map((each) => each[i]!)));
    const limit = LIMITS[stage];
    // Threads of its own may take more of the processor than goes by on the clock, and others only add to the clock.
    const alone = Math.min(clock, Math.min(1, QUIET / idleProcessor!) * processor);
    const isMet = limit === null || alone <= limit;
    console.log(
      `${stage.padEnd(9)} ${processor.toFixed(0).padStart(4)} ms of processor (bare Node ${idleProcessor!.toFixed(0)}), ` +
        `${clock.toFixed(0).padStart(5)} ms on the clock (bare Node ${idleClock!.toFixed(0)}, ${(clock / idleClock!).toFixed(1)}x)` +
        (limit === null
          ? ''
          : `; ${alone.toFixed(0)} ms where nothing else runs, at most ${limit}: ${isMet ? 'met' : 'NOT MET'}`),
    );
    if (!isMet) process.exitCode = 1;
  }
} finally {
  runner.stop();
  rmSync(folder, { recursive: true, force: true });
}
