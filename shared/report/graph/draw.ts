/** A view as inline SVG: boxes that lead to the group inside or to the row of the node, and arrows between them. */
import { formatCounted, formatDecibels } from '../format.ts';
import { html, shorten, type Html } from '../markup.ts';
import type { ReportedTensor } from '../report.ts';
import type { GraphFacts } from './facts.ts';
import { type NodeInt8, worstOf } from './int8.ts';
import { BOX, type Placed, type Point } from './layout.ts';
import { type Box, nodesIn, type View } from './views.ts';

export interface Drawing {
  readonly facts: GraphFacts;
  readonly int8: readonly (readonly NodeInt8[])[];
  /** Address of what a box stands for; null: it leads nowhere. */
  readonly link: (box: Box) => string | null;
}

/** Below it a result is mostly noise; as in the chart of the worst layers. */
const BAD_DECIBELS = 10;
// What fits into a box at the size of its text.
const FITS = { title: 22, note: 25 } as const;

interface Words {
  readonly title: string;
  readonly note: string;
  readonly looks: string;
}

export const dimsText = ({ shape }: ReportedTensor): string => `[${shape.join(', ')}]`;
const typeText = (tensor: ReportedTensor | undefined): string => (tensor ? `${tensor.dtype}${dimsText(tensor)}` : '');

const WORDS: { readonly [K in Box['kind']]: (box: Extract<Box, { kind: K }>, drawing: Drawing) => Words } = {
  node: ({ node }, { facts, int8 }) => {
    const { operator, results } = facts.nodes[node]!;
    return { title: operator, note: typeText(results[0]), looks: looksOf(int8[node]!) };
  },
  group: ({ group }, { int8 }) => {
    const inside = nodesIn({ group }).flatMap((node) => int8[node]!);
    const worst = worstOf(inside);
    const count = formatCounted(group.nodes, 'node');
    return {
      title: group.label,
      note: worst === null ? count : `${count}, worst ${formatDecibels(worst)}`,
      looks: `group ${looksOf(inside)}`,
    };
  },
  input: ({ at }, { facts }) => ({ title: facts.inputs[at]!.name, note: typeText(facts.inputs[at]), looks: 'end' }),
  output: ({ at }, { facts }) => ({ title: facts.outputs[at]!.name, note: typeText(facts.outputs[at]), looks: 'end' }),
  inputs: (_, { facts }) => ({ title: formatCounted(facts.inputs.length, 'input'), note: '', looks: 'end' }),
  outputs: (_, { facts }) => ({ title: formatCounted(facts.outputs.length, 'output'), note: '', looks: 'end' }),
  before: () => ({ title: 'what comes before', note: '', looks: 'end' }),
  behind: () => ({ title: 'what comes behind', note: '', looks: 'end' }),
};

function looksOf(entries: readonly NodeInt8[]): string {
  const worst = worstOf(entries);
  if (worst !== null && worst < BAD_DECIBELS) return 'off';
  return entries.some(({ precision }) => precision === 'codes') ? 'codes' : 'float';
}

export function draw(view: View, placed: Placed, drawing: Drawing): Html {
  const boxes = view.boxes.map((box, at) => boxElement(box, placed.boxes[at]!, drawing));
  const [width, height] = [Math.ceil(placed.width), Math.ceil(placed.height)];
  return html`<svg class="graph" role="group" aria-label="${shorten(view.group.path, 120) || 'The whole model'}" \
width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><g class="arrows" aria-hidden="true">${placed.arrows.map(arrow)}</g>${boxes}</svg>`;
}

const at = ({ x, y }: Point): string => `${Math.round(x)},${Math.round(y)}`;

/** A line, and a triangle for a head: the last corner is its tip. */
function arrow(points: readonly Point[]): Html {
  const [tip, from] = [points.at(-1)!, points.at(-2)!];
  const length = Math.hypot(tip.x - from.x, tip.y - from.y) || 1;
  const [x, y] = [((tip.x - from.x) / length) * 7, ((tip.y - from.y) / length) * 7];
  const corners = [tip, { x: tip.x - x - y / 2, y: tip.y - y + x / 2 }, { x: tip.x - x + y / 2, y: tip.y - y - x / 2 }];
  return html`<polyline points="${points.map(at).join(' ')}"/><polygon points="${corners.map(at).join(' ')}"/>`;
}

function boxElement(box: Box, { x, y }: Point, drawing: Drawing): Html {
  // The kind of the box chooses the row that takes it.
  const { title, note, looks } = WORDS[box.kind](box as never, drawing);
  const link = drawing.link(box);
  const [left, top] = [Math.round(x - BOX.width / 2), Math.round(y - BOX.height / 2)];
  const body = html`<title>${shorten(`${title} ${note}`, 200)}</title><rect x="${left}" y="${top}" width="${BOX.width}" \
height="${BOX.height}" rx="${box.kind === 'node' ? 6 : 12}"/><text class="title" x="${left + 10}" y="${top + 18}">${shorten(title, FITS.title)}</text>\
<text class="note" x="${left + 10}" y="${top + 34}">${shorten(note, FITS.note)}</text>`;
  return link === null
    ? html`<g class="box ${looks}">${body}</g>`
    : html`<a class="box ${looks}" href="${link}">${body}</a>`;
}
