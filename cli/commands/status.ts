/** `torchferry status`: jobs that failed or did not finish, each with what to do. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../shared/errors.ts';
import { WORK_FOLDER } from '../../local/inbox.ts';
import { type JobState, readLedger } from '../../shared/pipeline/workspace/ledger.ts';
import { nextStep } from '../../shared/report/next-step.ts';
import type { Command, OptionValues } from '../command.ts';
import { type JobPlace, resultsStore, stackPlace } from '../job-places.ts';
import { text } from '../values.ts';

export const status: Command = {
  usage: 'torchferry status <results> | torchferry status --stack NAME [--all] [--json]',
  options: {
    stack: { type: 'string', value: 'NAME', describe: 'a deployment, by the name of its stack' },
    all: { type: 'boolean', describe: 'also list the jobs that are completed' },
  },
  async run({ files, options }) {
    const { store, work, isRunning } = await placeOf(files, options);
    const counts = { completed: 0, failed: 0, unfinished: 0 };
    const jobs: ListedJob[] = [];
    for await (const job of readLedger(store, work)) {
      counts[job.status]++;
      if (job.status !== 'completed' || options['all'] === true) jobs.push(listed(job, await runs(job, isRunning)));
    }
    jobs.sort((a, b) => a.created.localeCompare(b.created));
    const summary = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
    return { text: [...jobs.map(lineOf), summary.join(', ')].join('\n'), facts: { counts, jobs } };
  },
};

type Place = Pick<JobPlace, 'store' | 'work'> & Partial<Pick<JobPlace, 'isRunning'>>;

function placeOf([results]: readonly string[], options: OptionValues): Promise<Place> | Place {
  const stack = text(options, 'stack');
  if (stack !== undefined) return stackPlace(stack);
  if (results === undefined) {
    return fail('WrongUsage', {
      problem: 'nothing was given to look at',
      hint: 'name the folder of results of a watched folder, or --stack',
    });
  }
  if (!existsSync(join(results, WORK_FOLDER))) fail('FileNotFound', { file: join(results, WORK_FOLDER) });
  return resultsStore(results);
}

interface ListedJob extends JobState {
  /** null: not asked, or nobody to ask. */
  readonly running: boolean | null;
  readonly nextStep: string | null;
}

const runs = async ({ status: state, execution }: JobState, isRunning: Place['isRunning']): Promise<boolean | null> =>
  state === 'unfinished' && isRunning ? isRunning(execution) : null;

const listed = (job: JobState, running: boolean | null): ListedJob => ({
  ...job,
  running,
  nextStep: next(job, running),
});

function next({ status: state, code, job }: JobState, running: boolean | null): string | null {
  if (state === 'completed' || running === true) return null;
  if (state === 'failed') return `${nextStep(code ?? '')} "torchferry reprocess ${job}" starts it again.`;
  return `It ended without a word, or still runs. "torchferry reprocess ${job}" starts it again once it has ended.`;
}

function lineOf({ job, status: state, running, request, code, message, nextStep: step }: ListedJob): string {
  const reason = code === null ? '' : `  ${code}: ${(message ?? '').split('\n', 1)[0]!}`;
  const line = `${running === true ? 'running' : state}  ${job}  ${request?.key ?? '(unknown model)'}${reason}`;
  return step === null ? line : `${line}\n  ${step}`;
}
