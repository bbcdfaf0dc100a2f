/** A process that does small tasks: for the test of the pool. */
import { answering } from '../../local/child.ts';
import { fail } from '../../shared/errors.ts';

const kept: Buffer[] = [];

const TASKS = {
  pid: () => process.pid,
  refuse: () => fail('FileNotFound', { file: 'x' }),
  throw: () => {
    throw new TypeError('a bug');
  },
  end: () => process.exit(3),
  wait: () => new Promise((resolve) => setTimeout(resolve, 60_000)),
  grow: () => {
    kept.push(Buffer.alloc(600 * 2 ** 20, 1));
    return process.pid;
  },
} as const;

answering<keyof typeof TASKS>(async (task) => TASKS[task]());
