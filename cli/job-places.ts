/** Where jobs are kept and started: a deployed stack, or the folders that are watched on this machine. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeFerry } from '../local/ferry.ts';
import { withFolderLock } from '../local/folder-lock.ts';
import { folderStore } from '../local/folder-store.ts';
import { WORK_FOLDER } from '../local/inbox.ts';
import { fail } from '../shared/errors.ts';
import type { Json } from '../shared/pipeline/machine/asl.ts';
import { messageOf } from '../shared/pipeline/report/failures.ts';
import type { ObjectStore } from '../shared/pipeline/workspace/store.ts';

export interface JobPlace {
  readonly store: ObjectStore;
  /** Bucket of the claims. */
  readonly work: string;
  /** Whether an execution is still at work. */
  isRunning(execution: string): Promise<boolean>;
  /** Start a conversion; what came of it, in one line. `name` makes a second start of the same the same. */
  start(request: Json, name: string): Promise<string>;
}

/** The outputs of a stack, by name; fails with WrongUsage. */
export async function stackOutputs(stack: string): Promise<(name: string) => string> {
  const outputs = outputsOf(await aws('cloudformation', 'describe-stacks', '--stack-name', stack));
  return (name) =>
    outputs.get(name) ??
    fail('WrongUsage', { problem: `stack "${stack}" has no output ${name}`, hint: 'deploy this version of it first' });
}

/** A stack, by its name. Its executions are asked after with the AWS CLI, whose account and region are used. */
export async function stackPlace(stack: string): Promise<JobPlace> {
  const output = await stackOutputs(stack);
  const machine = output('ConversionStateMachineArn');
  const { defaultStore } = await import('../functions/default-store.ts');
  return {
    store: defaultStore(),
    work: output('WorkBucketName'),
    async isRunning(execution) {
      const { status } = await aws('stepfunctions', 'describe-execution', '--execution-arn', execution);
      return status === 'RUNNING';
    },
    async start(request, name) {
      const input = JSON.stringify(request);
      const args = ['--state-machine-arn', machine, '--name', name, '--input', input];
      const { executionArn } = await aws('stepfunctions', 'start-execution', ...args);
      return `started ${String(executionArn)}`;
    },
  };
}

function outputsOf({ Stacks }: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const [stack] = Stacks as readonly { Outputs?: readonly { OutputKey: string; OutputValue: string }[] }[];
  return new Map((stack?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
}

async function aws(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  try {
    const { stdout } = await promisify(execFile)('aws', [...args, '--output', 'json']);
    return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const { code, stderr } = cause as { code?: string; stderr?: string };
    const problem = code === 'ENOENT' ? 'the AWS CLI is not installed' : (stderr ?? String(cause)).trim();
    return fail(
      'WrongUsage',
      { problem: `aws ${args.slice(0, 2).join(' ')}: ${problem}`, hint: 'check "aws sts get-caller-identity"' },
      cause,
    );
  }
}

/** To look at: the folder of results of a watched folder. */
export const resultsStore = (results: string): Pick<JobPlace, 'store' | 'work'> => ({
  store: folderStore({ work: join(results, WORK_FOLDER) }),
  work: 'work',
});

/** To start jobs again: nobody else works in the folder meanwhile, so that what is unfinished has ended. */
export const withFolders = <T>(
  { models, results }: { readonly models: string; readonly results: string },
  use: (place: JobPlace) => Promise<T>,
): Promise<T> =>
  withFolderLock(results, async () => {
    const buckets = { input: models, output: results, work: join(results, WORK_FOLDER) };
    const temporaryFolder = await mkdtemp(join(tmpdir(), 'torchferry-again-'));
    const ferry = makeFerry({ buckets, temporaryFolder });
    try {
      return await use({
        store: folderStore(buckets),
        work: 'work',
        isRunning: () => Promise.resolve(false),
        async start(request) {
          const outcome = await ferry.convert(request);
          return outcome.status === 'FAILED' ? `${outcome.error}: ${messageOf(outcome.cause)}` : outcome.status;
        },
      });
    } finally {
      await rm(temporaryFolder, { recursive: true, force: true });
    }
  });
