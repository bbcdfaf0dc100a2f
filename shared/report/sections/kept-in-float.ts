/** What quantization left in float, by reason. */
import { name, number, table, text } from '../elements.ts';
import { formatCount } from '../format.ts';
import type { Limits } from '../limits.ts';
import { html, shorten, type Hole, type Html } from '../markup.ts';
import type { SkippedNode } from '../report.ts';

interface Group {
  readonly reason: string;
  readonly nodes: readonly SkippedNode[];
}

const NAMES_SHOWN = 3;

/** Most frequent reason first; equal counts keep the order of the graph. */
export const byReason = (skipped: readonly SkippedNode[]): readonly Group[] =>
  [...Map.groupBy(skipped, (node) => node.reason)]
    .map(([reason, nodes]) => ({ reason, nodes }))
    .sort((a, b) => b.nodes.length - a.nodes.length);

function operators(nodes: readonly SkippedNode[], limits: Limits): string {
  const counts = [...Map.groupBy(nodes, (node) => node.operator)].sort((a, b) => b[1].length - a[1].length);
  const shown = counts
    .slice(0, limits.bars)
    .map(([operator, found]) => `${shorten(operator, limits.name)}${found.length > 1 ? ` ×${found.length}` : ''}`);
  return `${shown.join(', ')}${counts.length > shown.length ? `, ${counts.length - shown.length} more` : ''}`;
}

const examples = (nodes: readonly SkippedNode[], limits: Limits): Hole => [
  nodes.slice(0, NAMES_SHOWN).map((node, i) => [i ? ', ' : null, name(node.node, limits)]),
  nodes.length > NAMES_SHOWN ? `, ${formatCount(nodes.length - NAMES_SHOWN)} more` : null,
];

export function keptInFloat(skipped: readonly SkippedNode[], limits: Limits): Html | null {
  if (!skipped.length) return null;
  return table(
    {
      label: 'What stayed in float',
      caption: html`What stayed in float, and why`,
      columns: [text('Reason'), number('Nodes'), text('Which')],
      items: byReason(skipped),
      cells: ({ reason, nodes }) => [
        html`<span class="prose">${shorten(reason, limits.text)}</span>`,
        formatCount(nodes.length),
        html`${operators(nodes, limits)}<br><small>${examples(nodes, limits)}</small>`,
      ],
    },
    limits,
  );
}
