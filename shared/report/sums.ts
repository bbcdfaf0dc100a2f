/** Sums of 8-bit products in words: where they overflow, and with which options a model was judged. */
import { formatCount } from './format.ts';
import type { EightBitSums, OverflowingOperator, Products } from './report.ts';

/** What the options do, for people. */
export const PRODUCTS = {
  default: 'default options',
  precise: 'x64quantprecision',
} as const satisfies Record<Products, string>;

export const otherThan = (products: Products): Products => (products === 'default' ? 'precise' : 'default');

/** What cures it, and how many weights it is about; null: nothing overflows. */
export function overflowText(overflow: readonly OverflowingOperator[]): string | null {
  if (overflow.length === 0) return null;
  const total = (count: (o: OverflowingOperator) => number): string =>
    formatCount(overflow.reduce((n, o) => n + count(o), 0));
  const where = overflow.length === 1 ? `"${overflow[0]!.node}"` : `${formatCount(overflow.length)} operators`;
  return (
    `${total((o) => o.overflowing)} of ${total((o) => o.pairs)} pairs of weights of ${where} can overflow on x64 ` +
    'without VNNI: set the session option session.x64quantprecision to 1 there'
  );
}

export const sumsText = ({ overflow, processor, judged, other }: EightBitSums): string =>
  [
    overflowText(overflow) ?? 'no weights are large enough to overflow on any processor',
    `judged on ${processor}${other ? ` with ${PRODUCTS[judged]}` : ''}`,
  ].join('; ');
