/** The function of a stage in a process of its own, which may end without taking the answer along. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface StageTask {
  /** Where `index.mjs` lies. */
  readonly folder: string;
  readonly stage: string;
  readonly payload: unknown;
  /** Of the task, in MiB. */
  readonly memoryMb: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export type StageAnswer =
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly name: string; readonly message: string; readonly stack: string };

type Handler = (payload: unknown, context: object) => Promise<unknown>;

/** Do the task that the parent sends, and end. */
export function runStage(): void {
  process.on('disconnect', () => process.exit());
  process.once('message', (task: StageTask) => {
    void work(task).then((answer) => process.send?.(answer, () => process.disconnect()));
  });
}

async function work({ folder, stage, payload, memoryMb, until }: StageTask): Promise<StageAnswer> {
  try {
    const { handler } = (await import(pathToFileURL(join(folder, 'index.mjs')).href)) as { handler: Handler };
    const context = {
      functionName: stage,
      functionVersion: '$LATEST',
      memoryLimitInMB: memoryMb,
      invokedFunctionArn: '',
      awsRequestId: '',
      getRemainingTimeInMillis: () => until - Date.now(),
    };
    return { kind: 'done', result: await handler(payload, context) };
  } catch (thrown) {
    const { name, message, stack = '' } = thrown instanceof Error ? thrown : new Error(String(thrown));
    return { kind: 'failed', name, message, stack };
  }
}
