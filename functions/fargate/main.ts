/**
 * What a Fargate task runs: it fetches the function of a stage, runs it in a process of its own, says every minute that
 * it is alive, and answers the state that waits. Bundled into the command of the container.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HEARTBEAT_EVERY_SECONDS, VARIABLES } from '../../shared/pipeline/machine/fargate-container.ts';
import { type Answer, answer, fetchObject, Refused } from './aws.ts';
import { runStage, type StageAnswer, type StageTask } from './stage-child.ts';
import { unpack } from './unpack.ts';

const { env } = process;
const told = (name: keyof typeof VARIABLES): string => {
  const value = env[VARIABLES[name]];
  if (value === undefined) throw new Error(`${VARIABLES[name]} is not set`);
  return value;
};

// What Step Functions takes.
const LONGEST = { error: 256, cause: 32_000 } as const;
const LINES_OF_TRACE = 20;

const tell = (what: Answer): Promise<void> => answer(told('statesUrl'), { taskToken: told('token'), ...what }, env);

/** As Lambda says it, so that a report reads both. */
function failure(name: string, message: string, stack = ''): Answer {
  const cause = { errorType: name, errorMessage: message, trace: stack.split('\n').slice(0, LINES_OF_TRACE) };
  const short = { ...cause, errorMessage: message.slice(0, LONGEST.cause / 4), trace: [] };
  const text = [cause, short].map((each) => JSON.stringify(each)).find(({ length }) => length <= LONGEST.cause);
  return { call: 'SendTaskFailure', error: name.slice(0, LONGEST.error), cause: text ?? '' };
}

/** The same program again: it knows its part by who started it. */
const startChild = (): ChildProcess =>
  spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'json',
  });

function answerOf(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve) => {
    child.once('message', (found: StageAnswer) =>
      resolve(
        found.kind === 'done'
          ? // As lambda:invoke answers.
            { call: 'SendTaskSuccess', output: JSON.stringify({ Payload: found.result }) }
          : failure(found.name, found.message, found.stack),
      ),
    );
    child.once('error', (error) => resolve(failure('Runtime.ExitError', String(error))));
    child.once('exit', (code, signal) => {
      const ended = (): void =>
        resolve(failure('Runtime.ExitError', `the process of the stage ended with ${signal ?? `code ${code}`}`));
      // What it said at last may still be under way.
      if (child.connected) child.once('disconnect', ended);
      else ended();
    });
  });
}

async function codeOf(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'code-'));
  unpack(await fetchObject(told('codeUrl'), env), folder);
  return folder;
}

async function work(onStart: (child: ChildProcess) => void, until: number): Promise<Answer> {
  let folder: string;
  try {
    folder = await codeOf();
  } catch (error) {
    return failure('Fargate.NoCode', `the code of the stage cannot be fetched: ${String(error)}`);
  }
  const child = startChild();
  onStart(child);
  const task: StageTask = {
    folder,
    stage: told('stage'),
    payload: JSON.parse(told('payload')),
    memoryMb: told('memory'),
    until,
  };
  // One that is gone by now says so when it ends.
  child.send(task, () => {});
  return answerOf(child);
}

async function main(): Promise<void> {
  const until = Date.now() + Number(told('seconds')) * 1000;
  let child: ChildProcess | null = null;
  const end = (code: number): never => {
    child?.kill('SIGKILL');
    process.exit(code);
  };
  const sign = (): void => {
    tell({ call: 'SendTaskHeartbeat' }).catch((error: unknown) => {
      console.error(`no sign of life could be given: ${String(error)}`);
      // An execution that was stopped, or that has given up, waits for no answer.
      if (error instanceof Refused && /^(TaskTimedOut|TaskDoesNotExist|InvalidToken)$/.test(error.name)) end(1);
    });
  };
  process.once('SIGTERM', () => {
    const stopped = failure('Fargate.TaskStopped', 'the task was told to stop');
    void tell(stopped).finally(() => end(1));
  });
  sign();
  setInterval(sign, HEARTBEAT_EVERY_SECONDS * 1000);
  await tell(await work((started) => (child = started), until));
  end(0);
}

if (process.send) runStage();
else await main();
