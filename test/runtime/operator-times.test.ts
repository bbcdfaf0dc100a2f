/** What the operators of a run take: events by hand, and a model that onnxruntime profiles. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { operatorTimes, type ProfileEvent, timesIn } from '../../shared/runtime/operator-times.ts';
import { modelFile, tensor } from './models.ts';

const run = (ts: number): ProfileEvent => ({ cat: 'Session', name: 'model_run', ts, dur: 90, args: {} });
const node = (name: string, operator: string, [ts, dur]: readonly [number, number]): ProfileEvent => ({
  cat: 'Node',
  name,
  ts,
  dur,
  args: { op_name: operator, thread_scheduling_stats: { sub_threads: { 1: {}, 2: {}, 3: {} } } },
});

test('the runs after the first, nodes of an operator together, slowest first', () => {
  const events = [
    ...[run(0), node('a', 'Conv', [1, 50_000]), node('b', 'Relu', [60, 1])],
    ...[run(100), node('a', 'Conv', [101, 2000]), node('c', 'Conv', [120, 4000]), node('b', 'Relu', [160, 500])],
    ...[run(200), node('a', 'Conv', [201, 1000]), node('c', 'Conv', [220, 5000]), node('b', 'Relu', [260, 1500])],
  ];
  expect(timesIn(events)).toEqual({
    runs: 2,
    threads: 4,
    operators: [
      { operator: 'Conv', nodes: 2, ms: 6 },
      { operator: 'Relu', nodes: 1, ms: 1 },
    ],
  });
});

test('what a loop takes is what its nodes take', () => {
  const events = [run(0), node('inner', 'Add', [2, 1000]), node('outer', 'Loop', [1, 3000])];
  expect(timesIn(events)!.operators).toEqual([{ operator: 'Add', nodes: 1, ms: 1 }]);
});

test('without nodes there is nothing to say', () => expect(timesIn([run(0)])).toBeNull());

test('a model is profiled, and what the profiler wrote is gone', async () => {
  const workFolder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  onTestFinished(() => rmSync(workFolder, { recursive: true }));
  const model = await modelFile('g (float[N,2] x) => (float[N,2] y) { a = Sin(x) b = Sin(a) y = Erf(b) }');
  const feeds = new Map([['x', tensor('float32', [1, 2], [1, 2])]]);
  const times = await operatorTimes(model, { feeds, workFolder, now: () => performance.now() });
  const counts = Object.fromEntries(times!.operators.map(({ operator, nodes }) => [operator, nodes]));
  expect(counts).toEqual({ Sin: 2, Erf: 1 });
  expect(times!.threads).toBeGreaterThanOrEqual(1);
  expect(readdirSync(workFolder)).toEqual([]);
});
