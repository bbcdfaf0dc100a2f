/** Medians and their ratio come from the same pairs of runs. */
import { expect, test } from 'vitest';
import { measureLatency } from '../../shared/runtime/latency.ts';
import type { Session } from '../../shared/runtime/session.ts';

test('both medians are of the runs that alternate', async () => {
  let clock = 0;
  let runs = 0;
  // The machine becomes twice as slow in the middle: both models meet it.
  const taking = (ms: number): Session => ({
    file: 'model',
    inputs: [],
    outputs: [],
    run: () => {
      clock += runs++ < 40 ? ms : 2 * ms;
      return Promise.resolve(new Map());
    },
    release: () => Promise.resolve(),
  });
  const latency = await measureLatency({
    session: taking(3),
    fp32: taking(4),
    feeds: new Map(),
    batch: 1,
    now: () => clock,
  });
  expect(latency).toMatchObject({ medianMs: 3, fp32MedianMs: 4, ratioToFp32: 0.75, runs: 31 });
});

test('FP32 itself stands beside nothing', async () => {
  let clock = 0;
  const session: Session = {
    file: 'model',
    inputs: [],
    outputs: [],
    run: () => Promise.resolve((clock++, new Map())),
    release: () => Promise.resolve(),
  };
  const request = { session, fp32: null, feeds: new Map(), batch: 2, now: () => clock };
  expect(await measureLatency(request)).toMatchObject({ medianMs: 1, fp32MedianMs: null, ratioToFp32: null });
});
