/**
 * Uploads below the prefix of batches are left to batches, those outside of the prefix of ours are left alone; everything
 * else is converted as it comes.
 */
import { expect, it } from 'vitest';
import { interpret } from '../../local/interpreter.ts';
import { ferryStateMachine } from '../../shared/pipeline/machine/state-machine.ts';
import { INVOKE, PLACEHOLDERS } from '../../shared/pipeline/machine/task.ts';

const upload = (key: string) => ({ detail: { bucket: { name: 'input' }, object: { key, size: 1 } } });

it.each([
  ['', 'batch/', upload('batch/a.pt2'), { leftToBatch: true }],
  ['', 'batch/', upload('batch/deep/A.PT2'), { leftToBatch: true }],
  ['', 'batch/', upload('batch.pt2'), { claimed: true }],
  ['', 'batch/', upload('team/batch/a.pt2'), { claimed: true }],
  ['', 'batch/', { bucket: 'input', key: 'batch/a.pt2', request: 'nightly' }, { claimed: true }],
  ['', '', upload('batch/a.pt2'), { claimed: true }],
  ['', 'later/', upload('batch/a.pt2'), { claimed: true }],
  ['team/', 'team/batch/', upload('team/a.pt2'), { claimed: true }],
  ['team/', 'team/batch/', upload('team/batch/a.pt2'), { leftToBatch: true }],
  ['team/', 'team/batch/', upload('teams/a.pt2'), { leftAlone: true }],
  ['team/', '', upload('job.json'), { leftAlone: true }],
  ['team/', '', { bucket: 'input', key: 'teams/a.pt2' }, { claimed: true }],
])('ours %j, for batches %j: %j gives %j', async (inputPrefix, batchPrefix, input, output) => {
  const outcome = await interpret(ferryStateMachine({ ...PLACEHOLDERS, inputPrefix, batchPrefix }), input, {
    // A claim that finds its job taken ends the machine.
    resources: { [INVOKE]: () => Promise.resolve({ Payload: { duplicate: true, job: null, claimed: true } }) },
    timeouts: false,
  });
  expect(outcome).toMatchObject({ status: 'SUCCEEDED', output });
});
