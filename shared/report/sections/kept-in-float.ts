/** What is computed in float, by reason: what quantization left so, and what onnxruntime takes back. */
import { byReason } from '../by-reason.ts';
import { name, number, table, text } from '../elements.ts';
import { formatCount } from '../format.ts';
import type { Limits } from '../limits.ts';
import { html, shorten, type Hole, type Html } from '../markup.ts';
import { kernelSummary } from '../kernels.ts';
import type { QuantizedOperator } from '../report.ts';
import type { SkippedNode } from '../quantization.ts';

const NAMES_SHOWN = 3;

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

export const keptInFloat = (skipped: readonly SkippedNode[], limits: Limits): Html | null =>
  reasons(skipped, { label: 'What stayed in float', caption: 'What stayed in float, and why' }, limits);

export const withoutKernel = (operators: readonly QuantizedOperator[], limits: Limits): Html | null =>
  reasons(
    kernelSummary(operators).float,
    { label: 'Without integer kernel', caption: 'Quantized, but computed in float by onnxruntime, and why' },
    limits,
  );

interface Words {
  readonly label: string;
  readonly caption: string;
}

function reasons(nodes: readonly SkippedNode[], { label, caption }: Words, limits: Limits): Html | null {
  if (!nodes.length) return null;
  return table(
    {
      label,
      caption: html`${caption}`,
      columns: [text('Reason'), number('Nodes'), text('Which')],
      items: byReason(nodes),
      cells: (group) => [
        html`<span class="prose">${shorten(group.reason, limits.text)}</span>`,
        formatCount(group.nodes.length),
        html`${operators(group.nodes, limits)}<br><small>${examples(group.nodes, limits)}</small>`,
      ],
    },
    limits,
  );
}
