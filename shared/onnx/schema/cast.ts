/** The same elements under another name or element type. */
import { type Dtype, DTYPES, isFloat, isInteger } from '../../tensor/dtype.ts';
import { type Dim, isStatic } from '../../tensor/dim.ts';
import type { AttributeRow, OpRow } from './row.ts';
import { typed } from './shape-rules.ts';

const ROUNDING = {
  saturate: { kind: 'int', since: 19, default: 1 },
  round_mode: { kind: 'string', since: 24, default: 'up' },
} as const satisfies Record<string, AttributeRow>;

export const CAST = {
  Identity: {
    since: [1, 13, 14, 16, 19, 21, 23, 24, 25],
    inputs: 'input',
    outputs: 'output',
    infer: (c) => ({ type: c.type(0), content: c.content(0) }),
  },
  Cast: {
    since: [1, 6, 9, 13, 19, 21, 23, 24, 25],
    inputs: 'input',
    outputs: 'output',
    attributes: { to: { kind: 'int', dtype: true }, ...ROUNDING },
    infer: (c) => {
      const to = c.dtype('to');
      // Dimensions fit int32 and int64; smaller integers may wrap.
      return typed(
        to,
        c.shape(0),
        (to === 'int64' || to === 'int32') && !isFloat(c.dtypeOf(0)) && fits(c.content(0), to) ? c.content(0) : null,
      );
    },
  },
  CastLike: {
    since: [15, 19, 21, 23, 24, 25],
    inputs: 'input target_type',
    outputs: 'output',
    attributes: ROUNDING,
    infer: (c) =>
      typed(c.dtypeOf(1), c.shape(0), c.dtypeOf(1) === 'int64' && isInteger(c.dtypeOf(0)) ? c.content(0) : null),
  },
  BitCast: {
    since: [26],
    inputs: 'input',
    outputs: 'output',
    attributes: { to: { kind: 'int', dtype: true } },
    infer: (c) => {
      const to = c.dtype('to');
      if (DTYPES[to].bits !== DTYPES[c.dtypeOf(0)].bits)
        throw new Error(`BitCast from ${c.dtypeOf(0)} to ${to}: element sizes differ`);
      return typed(to, c.shape(0));
    },
  },
} as const satisfies Record<string, OpRow>;

const fits = (content: readonly Dim[] | null, to: Dtype): boolean =>
  content?.every((d) => !isStatic(d) || to === 'int64' || d === (d | 0)) ?? false;
