/** The samples that are furthest off, by output: the ones to look at. */
import { AGAINST } from '../../choices.ts';
import { exact, name, number, table, text } from '../elements.ts';
import { formatCount, formatNumber } from '../format.ts';
import type { Limits } from '../limits.ts';
import type { Hole, Html } from '../markup.ts';
import { closestComparison } from '../measures.ts';
import type { Variant, WorstSample } from '../report.ts';

interface Row {
  readonly output: string;
  readonly worst: WorstSample;
}

export function worstSamples(variant: Variant, limits: Limits): Html | null {
  const comparison = closestComparison(variant);
  const items = (comparison?.outputs ?? []).flatMap(({ output, worst = [] }) =>
    worst.map((each): Row => ({ output, worst: each })),
  );
  // Of one sample the table of outputs says it all.
  if (!comparison || comparison.samples < 2 || !items.length) return null;
  const hasScores = items.some(({ worst }) => worst.largest);
  const against = AGAINST[comparison.against];
  return table(
    {
      label: 'Worst samples',
      caption: `Samples that are furthest from ${against}, counted from 0`,
      columns: [
        text('Output'),
        number('Sample'),
        number('Max diff.'),
        ...(hasScores ? [number(`Top-1 of ${against}`), number('Top-1')] : []),
      ],
      items,
      cells: ({ output, worst }) => [
        name(output, limits),
        String(worst.sample),
        exact(formatNumber(worst.maxAbsDiff), String(worst.maxAbsDiff)),
        ...(hasScores ? placesOf(worst) : []),
      ],
    },
    limits,
  );
}

const placesOf = ({ largest }: WorstSample): readonly Hole[] =>
  largest ? [formatCount(largest.reference), formatCount(largest.actual)] : ['–', '–'];
