/**
 * Many models: the interpreter runs the deployed batch machine (the emulator has no Distributed Map in JSONata), with
 * everything it starts and calls on the deployment.
 */
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../local/interpreter.ts';
import type { Json } from '../../shared/pipeline/machine/asl.ts';
import { batchStateMachine } from '../../shared/pipeline/machine/batch-machine.ts';
import { deployment, fixture, inBatches, inputBucket, latestOf, outputBucket, readText, upload } from './cloud.ts';
import { killUntil } from './kill.ts';
import { interpreted } from './machines.ts';

async function runBatch(input: Record<string, Json>): Promise<{ outcome: Outcome; event: Record<string, Json> }> {
  const { outcome, events } = await interpreted(batchStateMachine, { bucket: inputBucket(), ...input });
  return { outcome, event: (events[0] as { result: Record<string, Json> }).result };
}

interface Row {
  readonly key?: string;
}
async function failedRows(event: Record<string, Json>): Promise<Row[]> {
  const { folder } = event['output'] as { folder: string };
  const text = await readText(outputBucket(), `${folder}failed.jsonl`);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row);
}

const options = { dtype: 'fp32' };
const number = (i: number): string => String(i).padStart(2, '0');

describe.skipIf(!deployment)('a batch', () => {
  test('of 60 with 5 bad ones gives 55 results and 5 rows to mend; mended, they give 5 more', async () => {
    const keys = Array.from({ length: 60 }, (_, i) => `batch/sixty/net-${number(i)}.pt2`);
    const bad = keys.filter((_, i) => i % 12 === 5);
    const good = fixture('pt2/container_2_13.pt2');
    await inBatches(keys, 8, (key) => upload(key, bad.includes(key) ? 'not yet a model' : good));
    await upload('batch/sixty.jsonl', keys.map((key) => JSON.stringify({ key })).join('\n'));
    const first = await runBatch({ manifest: 'batch/sixty.jsonl', options, maxConcurrency: 4 });
    expect(first.outcome).toMatchObject({ status: 'SUCCEEDED' });
    expect(first.event).toMatchObject({ models: 60, fail: 5 });
    const failed = await failedRows(first.event);
    expect(failed.map(({ key }) => key).sort()).toEqual(bad);
    for (const key of keys.filter((k) => !bad.includes(k)))
      expect(await latestOf(key)).toMatchObject({ chosen: 'fp32' });

    await inBatches(bad, 8, (key) => upload(key, good));
    await upload('batch/mended.jsonl', failed.map((row) => JSON.stringify(row)).join('\n'));
    const second = await runBatch({ manifest: 'batch/mended.jsonl', options, maxConcurrency: 4 });
    expect(second.event).toMatchObject({ models: 5, fail: 0 });
    for (const key of bad) expect(await latestOf(key)).toMatchObject({ chosen: 'fp32' });
  });

  test.skipIf(process.platform !== 'linux')('loses nothing when functions are killed in the middle of it', async () => {
    const keys = Array.from({ length: 8 }, (_, i) => `batch/killed/net-${i}.pt2`);
    await inBatches(keys, 8, (key) => upload(key, fixture('pt2/container_2_13.pt2')));
    let isOver = false;
    const running = runBatch({ prefix: 'batch/killed/', options, maxConcurrency: 3 }).finally(() => (isOver = true));
    const until = Date.now() + 2500;
    const killed = await killUntil('ConvertFunction', () => Promise.resolve(isOver || Date.now() > until));
    expect(killed).toBeGreaterThan(1);
    const { event } = await running;
    const failed = await failedRows(event);
    expect(event).toMatchObject({ models: 8, fail: failed.length });
    expect(failed.length).toBeGreaterThan(0);
    await upload('batch/killed.jsonl', failed.map((row) => JSON.stringify(row)).join('\n'));
    const again = await runBatch({ manifest: 'batch/killed.jsonl', options, maxConcurrency: 3 });
    expect(again.event).toMatchObject({ models: failed.length, fail: 0 });
    for (const key of keys) expect(await latestOf(key)).toMatchObject({ chosen: 'fp32' });
  });
});
