/**
 * Operators that cannot be written for every opset, with what they need: for `torchferry ops`; the forms themselves
 * refuse.
 */

export interface OpsetLimit {
  readonly since?: number;
  readonly until?: number;
  /** The limit concerns these uses only. */
  readonly when?: string;
}

const LIMITS: readonly (readonly [RegExp, OpsetLimit])[] = [
  [/^aten::(bitwise_(and|or|xor|not)|__(and|or|xor)__)(\.|$)/, { since: 18, when: 'integers' }],
  [
    /^aten::(scatter_add|index_add|scatter\.(value_)?reduce|scatter_reduce\.two|index_reduce|_unsafe_masked_index_put_accumulate|max_pool2d_with_indices_backward)$/,
    { since: 16 },
  ],
  [/^aten::(scatter_reduce\.two|index_reduce)$/, { since: 18, when: 'amin and amax' }],
  [/^aten::(_unsafe_)?index_put$/, { since: 16, when: 'accumulate' }],
  [/^aten::grid_sampler(_2d)?$/, { since: 16 }],
  [/^aten::grid_sampler(_3d)?$/, { since: 20, when: 'volumes' }],
  [
    /^aten::(rand|randn|randint|normal|uniform|bernoulli|multinomial|exponential|geometric|cauchy|log_normal|random)(_like|_functional)?(\.|$)/,
    { until: 21 },
  ],
];

export const opsetLimits = (target: string): OpsetLimit[] =>
  LIMITS.flatMap(([pattern, limit]) => (pattern.test(target) ? [limit] : []));

/** Whether the operator can be written for `opset` in all its uses, in some, or in none. */
export function supportAt(target: string, opset: number): 'all' | 'some' | 'none' {
  const missed = opsetLimits(target).filter(({ since = 0, until = Infinity }) => opset < since || opset > until);
  if (missed.length === 0) return 'all';
  return missed.every(({ when }) => when !== undefined) ? 'some' : 'none';
}

export const limitText = ({ since, until, when }: OpsetLimit): string =>
  `${when ? `${when}: ` : ''}${since === undefined ? `up to opset ${until}` : `from opset ${since}`}`;
