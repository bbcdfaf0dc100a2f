/** Time that passes only when nothing else happens: waits of hours take no time, in the right order. */
import type { Clock } from '../../local/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export function virtualClock(
  start = Date.parse('2030-01-01T00:00:00Z'),
): Clock & { readonly slept: readonly number[] } {
  const sleepers = new Set<Sleeper>();
  const slept: number[] = [];
  let now = start;
  let pumping = false;
  const pump = (): void => {
    if (pumping) return;
    pumping = true;
    setImmediate(() => {
      pumping = false;
      const next = [...sleepers].sort((a, b) => a.at - b.at)[0];
      if (!next) return;
      sleepers.delete(next);
      now = Math.max(now, next.at);
      next.wake();
      if (sleepers.size) pump();
    });
  };
  return {
    slept,
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        slept.push(ms);
        const sleeper = { at: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal.addEventListener(
          'abort',
          () => {
            sleepers.delete(sleeper);
            reject(signal.reason as Error);
          },
          { once: true },
        );
        pump();
      }),
  };
}
