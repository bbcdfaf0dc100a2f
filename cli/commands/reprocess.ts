/** `torchferry reprocess`: start jobs again that failed, or whose execution ended without a word. */
import { fail } from '../../shared/errors.ts';
import type { Json } from '../../shared/pipeline/machine/asl.ts';
import { type JobState, readLedger, startAgain } from '../../shared/pipeline/workspace/ledger.ts';
import type { Command, Outcome } from '../command.ts';
import { type JobPlace, stackPlace, withFolders } from '../job-places.ts';
import { text } from '../values.ts';

export const reprocess: Command = {
  usage: 'torchferry reprocess <job or key>... | --failed  (--stack NAME | --models DIR --results DIR) [--json]',
  options: {
    stack: { type: 'string', value: 'NAME', describe: 'a deployment, by the name of its stack' },
    models: { type: 'string', value: 'DIR', describe: 'a watched folder' },
    results: { type: 'string', value: 'DIR', describe: 'the folder of its results' },
    failed: { type: 'boolean', describe: 'every job that failed' },
  },
  async run({ files, options }) {
    const everyFailed = options['failed'] === true;
    if (files.length === 0 && !everyFailed)
      fail('WrongUsage', { problem: 'no job was given', hint: 'name jobs or keys ("torchferry status"), or --failed' });
    const [stack, models, results] = ['stack', 'models', 'results'].map((name) => text(options, name));
    const again = (place: JobPlace): Promise<Outcome> => startAll(place, { wanted: files, everyFailed });
    if (stack !== undefined) return again(await stackPlace(stack));
    if (models === undefined || results === undefined)
      return fail('WrongUsage', { problem: 'it is not said where', hint: 'give --stack, or --models and --results' });
    return withFolders({ models, results }, again);
  },
};

interface Wanted {
  /** Jobs, or keys of models. */
  readonly wanted: readonly string[];
  readonly everyFailed: boolean;
}

async function startAll(place: JobPlace, { wanted, everyFailed }: Wanted): Promise<Outcome> {
  const chosen = new Map<string, JobState>();
  const found = new Set<string>();
  for await (const job of readLedger(place.store, place.work)) {
    const names = wanted.filter((name) => name === job.job || name === job.request?.key);
    for (const name of names) found.add(name);
    // A key may have several jobs: those that are done are none to start again.
    const byJob = names.includes(job.job);
    if (byJob || (names.length && job.status !== 'completed') || (everyFailed && job.status === 'failed'))
      chosen.set(job.job, job);
  }
  const unknown = wanted.find((name) => !found.has(name));
  if (unknown !== undefined) fail('FileNotFound', { file: unknown });
  const jobs: { job: string; key: string | null; outcome: string }[] = [];
  for (const job of chosen.values())
    jobs.push({ job: job.job, key: job.request?.key ?? null, outcome: await startOne(place, job) });
  const lines = jobs.map(({ job, key, outcome }) => `${job}  ${key ?? ''}  ${outcome}`);
  return { text: lines.length ? lines.join('\n') : 'nothing to start again', facts: { jobs } };
}

async function startOne(place: JobPlace, job: JobState): Promise<string> {
  if (job.status === 'completed')
    return 'is completed; upload the model again, or start it with a "request" of its own';
  if (!job.request) return 'its claim does not say what was asked for; upload the model again';
  if (job.status === 'unfinished' && (await place.isRunning(job.execution))) return 'still runs';
  return place.start(startAgain(job) as unknown as Json, `${job.job}-${job.attempts + 1}`);
}
