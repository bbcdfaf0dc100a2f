/** Every failure has something that can be done about it, and it is something torchferry accepts. */
import { expect, test } from 'vitest';
import { FAILURE_CODES } from '../../shared/errors.ts';
import { nextStep } from '../../shared/report/next-step.ts';

test.each(FAILURE_CODES)('%s', (code) => {
  expect(nextStep(code)).not.toMatch(/an error without a code/);
  // TorchScript is refused.
  expect(nextStep(code)).not.toMatch(/torch\.jit/);
});

test.each(['TypeError', 'constructor', ''])('"%s" is no code', (code) =>
  expect(nextStep(code)).toMatch(/an error without a code/),
);
