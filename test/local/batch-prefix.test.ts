/** Uploads below the prefix of batches are left to batches; everything else is converted as it comes. */
import { expect, it } from 'vitest';
import { interpret } from '../../local/interpreter.ts';
import { ferryStateMachine } from '../../shared/pipeline/machine/state-machine.ts';
import { INVOKE, PLACEHOLDERS } from '../../shared/pipeline/machine/task.ts';

const upload = (key: string) => ({ detail: { bucket: { name: 'input' }, object: { key, size: 1 } } });

it.each([
  ['batch/', upload('batch/a.pt2'), { leftToBatch: true }],
  ['batch/', upload('batch/deep/A.PT2'), { leftToBatch: true }],
  ['batch/', upload('batch.pt2'), { claimed: true }],
  ['batch/', upload('team/batch/a.pt2'), { claimed: true }],
  ['batch/', { bucket: 'input', key: 'batch/a.pt2', request: 'nightly' }, { claimed: true }],
  ['', upload('batch/a.pt2'), { claimed: true }],
  ['later/', upload('batch/a.pt2'), { claimed: true }],
])('with %j, %j gives %j', async (batchPrefix, input, output) => {
  const outcome = await interpret(ferryStateMachine({ ...PLACEHOLDERS, batchPrefix }), input, {
    // A claim that finds its job taken ends the machine.
    resources: { [INVOKE]: () => Promise.resolve({ Payload: { duplicate: true, job: null, claimed: true } }) },
    timeouts: false,
  });
  expect(outcome).toMatchObject({ status: 'SUCCEEDED', output });
});
