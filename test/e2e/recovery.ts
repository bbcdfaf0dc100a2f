/** A job that failed for a fault of the service is recovered in each of three ways. */
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { ferryStateMachine } from '../../shared/pipeline/machine/state-machine.ts';
import {
  deployment,
  ended,
  executionsOf,
  fixture,
  inputBucket,
  latestOf,
  outcomeOf,
  start,
  states,
  upload,
} from './cloud.ts';
import { killUntil } from './kill.ts';
import { interpreted } from './machines.ts';

const DIGITS = fixture('pipeline/digits.pt2');

/** An execution whose convert function was killed whenever it ran. */
async function killed(key: string): Promise<string> {
  await upload(key, DIGITS);
  const executionArn = await start({ bucket: inputBucket(), key, options: { dtype: 'fp32' }, request: 'by hand' });
  await killUntil('ConvertFunction', async () => {
    const { status } = await states.send(new DescribeExecutionCommand({ executionArn }));
    return status !== 'RUNNING';
  });
  expect(outcomeOf(await ended(executionArn))).toMatchObject({ status: 'FAILED', error: 'Runtime.ExitError' });
  return executionArn;
}

describe.skipIf(!deployment || process.platform !== 'linux')('a failed job', () => {
  test('is taken over by a new start', async () => {
    await killed('batch/recover/start.pt2');
    const again = {
      bucket: inputBucket(),
      key: 'batch/recover/start.pt2',
      options: { dtype: 'fp32' },
      request: 'by hand',
    };
    expect(outcomeOf(await ended(await start(again)))).toEqual({ status: 'SUCCEEDED' });
    expect(await latestOf('batch/recover/start.pt2')).toMatchObject({ chosen: 'fp32' });
    const third = await ended(await start(again));
    expect(JSON.parse(third.output!)).toMatchObject({ duplicate: true });
  });

  test('is redriven', async () => {
    const key = 'batch/recover/redrive.pt2';
    await upload(key, DIGITS);
    const input = { bucket: inputBucket(), key, options: { dtype: 'fp32' }, request: 'by hand' };
    let isOver = false;
    const running = interpreted(ferryStateMachine, input).finally(() => (isOver = true));
    await killUntil('ConvertFunction', () => Promise.resolve(isOver));
    const { outcome } = await running;
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'Runtime.ExitError' });
    const again = await interpreted(ferryStateMachine, input, { name: outcome.name, redrive: outcome.checkpoint });
    const { status, ...rest } = again.outcome;
    expect(status, 'error' in rest ? `${rest.error}: ${rest.cause}` : '').toBe('SUCCEEDED');
    expect(await latestOf(key)).toMatchObject({ chosen: 'fp32' });
  });

  test('goes on when the file that it missed arrives', async () => {
    await upload('recover/late.job.json', JSON.stringify({ dtype: 'fp32', test_data: 'arrives.npz' }));
    await upload('recover/late.pt2', DIGITS);
    const [failed] = await executionsOf('recover/late.pt2', 1);
    expect(failed!.status).toBe('FAILED');
    await upload('recover/arrives.npz', fixture('pipeline/digits.test.npz'));
    const executions = await executionsOf('recover/late.pt2', 2);
    const [again] = executions.filter(({ executionArn }) => executionArn !== failed!.executionArn);
    expect(outcomeOf(again!)).toEqual({ status: 'SUCCEEDED' });
    expect(await latestOf('recover/late.pt2')).toMatchObject({ chosen: 'fp32' });
  });
});
