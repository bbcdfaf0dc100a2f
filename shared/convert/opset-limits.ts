/**
 * Opsets that an operator cannot be written for, as its row says: for `torchferry ops`; the forms themselves refuse.
 */

export interface OpsetLimit {
  readonly since?: number;
  readonly until?: number;
  /** The limit concerns these uses only. */
  readonly when?: string;
}

/** Whether an operator with these limits can be written for `opset` in all its uses, in some, or in none. */
export function supportAt(limits: readonly OpsetLimit[], opset: number): 'all' | 'some' | 'none' {
  const missed = limits.filter(({ since = 0, until = Infinity }) => opset < since || opset > until);
  if (missed.length === 0) return 'all';
  return missed.every(({ when }) => when !== undefined) ? 'some' : 'none';
}

export const limitText = ({ since, until, when }: OpsetLimit): string =>
  `${when ? `${when}: ` : ''}${since === undefined ? `up to opset ${until}` : `from opset ${since}`}`;
