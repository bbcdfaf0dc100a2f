/** Casts and choices that older opsets lack for some element types. */
import { DTYPES } from '../../tensor/dtype.ts';
import { integerRange } from '../../tensor/dtype.ts';
import { FAULTS } from '../runtime-facts/faults.ts';
import { around, type Forms } from './form.ts';

export const TYPE_FORMS: Forms = {
  CastLike: [{ below: 15, write: (c, op) => op.Cast([c.input(0)], { ...c.given(), to: c.dtypeOf(1) }) }],
  Bernoulli: [
    around(FAULTS.turnedBernoulli, {
      write: (c, op) => {
        const drawn = op.RandomUniformLike([c.input(0)], { seed: c.attribute('seed') ? c.float('seed') : undefined });
        return op.Cast([op.Less([drawn, c.input(0)])], { to: c.attribute('dtype') ? c.dtype('dtype') : c.dtypeOf(0) });
      },
    }),
  ],
  // In two's complement ~x is -1 - x; without a sign it is the largest number less x.
  BitwiseNot: [
    {
      below: 18,
      write: (c, op) =>
        op.Sub([
          op.scalar(c.dtypeOf(0), DTYPES[c.dtypeOf(0)].kind === 'uint' ? integerRange(c.dtypeOf(0))[1] : -1),
          c.input(0),
        ]),
    },
  ],
  IsInf: [
    {
      below: 20,
      when: (c) => c.isOf(0, 'float16', 'bfloat16'),
      write: (c, op) => op.IsInf([op.Cast([c.input(0)], { to: 'float32' })], c.given()),
    },
  ],
  Attention: [
    {
      below: 24,
      when: (c) => c.has(6),
      write: (c, op) => op.refuse(c.op, 'its input nonpad_kv_seqlen exists since opset 24'),
    },
  ],
};
