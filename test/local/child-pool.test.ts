/** Processes that are used again: those that answered, and no others. */
import { expect, it } from 'vitest';
import { inChild } from '../../local/child.ts';
import { childPool } from '../../local/child-pool.ts';
import { isAlive } from '../../shared/bytes/unfinished.ts';

const MODULE = new URL('./pool-child.ts', import.meta.url);

const using = (pool = childPool(MODULE)) =>
  ({
    do: (task: string, more: { seconds?: number; signal?: AbortSignal } = {}) =>
      inChild<number>({ module: pool, task, about: 'x', doing: 'a test', seconds: 30, ...more }),
  }) as const;

const gone = async (pid: number): Promise<void> => {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
};

it('do one task after another, also after a refusal', async () => {
  const pool = using();
  const pid = await pool.do('pid');
  expect(await pool.do('pid')).toBe(pid);
  await expect(pool.do('refuse')).rejects.toMatchObject({ code: 'FileNotFound' });
  expect(await pool.do('pid')).toBe(pid);
});

it('are as many as work at a time', async () => {
  const pool = using();
  const [one, two] = await Promise.all([pool.do('pid'), pool.do('pid')]);
  expect(one).not.toBe(two);
  expect([one, two]).toContain(await pool.do('pid'));
});

it.each([
  ['a bug', 'throw', {}, { name: 'TypeError' }],
  ['the end of the process', 'end', {}, { code: 'ModelDoesNotRun' }],
  ['the end of the time', 'wait', { seconds: 0.2 }, { code: 'LimitExceeded' }],
])('end after %s', async (_, task, more, failure) => {
  const pool = using();
  const pid = await pool.do('pid');
  await expect(pool.do(task, more)).rejects.toMatchObject(failure);
  expect(await pool.do('pid')).not.toBe(pid);
  await gone(pid);
});

it('end when they are interrupted', async () => {
  const pool = using();
  const pid = await pool.do('pid');
  const stop = new AbortController();
  const waiting = pool.do('wait', { signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow();
  expect(await pool.do('pid')).not.toBe(pid);
  await gone(pid);
});

it('end when they keep much memory', async () => {
  const pool = using();
  const pid = await pool.do('grow');
  await gone(pid);
  expect(await pool.do('pid')).not.toBe(pid);
});
