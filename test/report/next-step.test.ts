/** Every failure has something that can be done about it, and it is something torchferry accepts. */
import { expect, test } from 'vitest';
import { FAILURE_CODES } from '../../shared/errors.ts';
import { BAD_ROW } from '../../shared/pipeline/machine/batch-machine.ts';
import { LAMBDA_RETRY } from '../../shared/pipeline/machine/task.ts';
import { nextStep } from '../../shared/report/next-step.ts';

test.each(FAILURE_CODES)('%s', (code) => {
  expect(nextStep(code)).not.toMatch(/an error without a code/);
  // TorchScript is refused.
  expect(nextStep(code)).not.toMatch(/torch\.jit/);
});

// What ends a stage from outside is caught by its name in AWS, and has no code of ours.
test.each([
  ...LAMBDA_RETRY.flatMap(({ ErrorEquals }) => ErrorEquals),
  ...['Lambda.Unknown', 'Runtime.ExitError', 'Runtime.OutOfMemory', 'Sandbox.Timedout', 'States.Timeout', BAD_ROW],
])('%s', (error) => expect(nextStep(error)).not.toMatch(/an error without a code/));

test.each(['TypeError', 'constructor', ''])('"%s" is no code', (code) =>
  expect(nextStep(code)).toMatch(/an error without a code/),
);
