/**
 * graph.html: the model's graph, one picture for each module, without script or request. A box leads into its module or
 * to the row of its node; the address says which picture is shown.
 */
import { isQuantized } from '../../choices.ts';
import { name, outcome, table, text, type Column } from '../elements.ts';
import { formatCount, formatCounted, formatDecibels } from '../format.ts';
import { page } from '../page.ts';
import type { Limits } from '../limits.ts';
import { html, shorten, type Hole, type Html } from '../markup.ts';
import type { Report, ReportedTensor } from '../report.ts';
import { dimsText, draw, type Drawing } from './draw.ts';
import { GRAPH_PAGE, type GraphFacts, type GraphNode } from './facts.ts';
import { int8Of, type NodeInt8 } from './int8.ts';
import { makeLayout, type Placed } from './layout.ts';
import { MOST_MEMBERS } from './module-tree.ts';
import { type Box, type View, viewsOf } from './views.ts';

/** Pictures are made until the page has as many bytes; outer modules come first. */
const PAGE_BYTES = 3_000_000;
const LIMITS: Limits = { rows: MOST_MEMBERS, bars: 12, name: 120, text: 400, full: 'report.json' };

interface Page extends Drawing {
  readonly views: readonly View[];
  readonly variants: readonly string[];
}

const sizeText = ({ nodes }: GraphFacts, views: readonly View[]): string =>
  `${formatCounted(nodes.length, 'node')} in ${formatCounted(views.length, 'picture')}`;

const viewId = (view: number): string => `v-${view}`;
const nodeId = (node: number): string => `n-${node}`;

/** What is not shown has a box that leads nowhere. */
export function renderGraphHtml(facts: GraphFacts, report: Report): string {
  const views = viewsOf(facts);
  const shown = { views: views.length };
  const link = (box: Box): string | null => {
    if (box.kind === 'node') return `#${nodeId(box.node)}`;
    return box.kind === 'group' && box.view < shown.views ? `#${viewId(box.view)}` : null;
  };
  const the: Page = {
    facts,
    views,
    link,
    int8: int8Of(facts, report),
    variants: report.variants.filter(isQuantized).map((variant) => variant.name),
  };
  const placed = placedWithin(the);
  shown.views = placed.length;
  const sections = placed.map((each, at) => section(at, each, the));
  const left = views.length - shown.views;
  return page(
    `${shorten(report.model.key, 80)}: graph`,
    html`<main><header><p class="eyebrow">torchferry graph</p><h1>${shorten(report.model.key, 120)}</h1>
<p>${sizeText(facts, views)}. A dashed box is a module of the PyTorch model: it leads inside.\
${left > 0 ? ` The innermost ${formatCount(left)} are left out, to keep this page small.` : null}</p>${key(the)}
<p><a href="./report.html">Report</a></p></header>
${sections}</main>`,
  );
}

const key = ({ variants }: Page): Html | null =>
  variants.length === 0
    ? null
    : html`<p class="key"><span>Filled: computed on codes (${variants.join(', ')}).</span><span>Thick: below 10 dB from FP32.</span><span>Empty: not quantized by itself, or computed in float.</span></p>`;

/** Views from the first on, as many as a page can have; the model itself is always among them. */
function placedWithin(the: Page): readonly Placed[] {
  const layout = makeLayout();
  const all: Placed[] = [];
  let bytes = 0;
  for (const [at, view] of the.views.entries()) {
    const placed = layout(view);
    if (placed === null) break;
    bytes += Buffer.byteLength(String(section(at, placed, the)));
    if (at > 0 && bytes > PAGE_BYTES) break;
    all.push(placed);
  }
  return all;
}

function section(at: number, placed: Placed, the: Page): Html {
  const view = the.views[at]!;
  const title = view.group.path === '' ? 'The whole model' : view.group.path;
  const nodes = view.boxes.flatMap((box) => (box.kind === 'node' ? [box.node] : []));
  const picture = html`<div class="scroll picture" role="group" tabindex="0" aria-label="Graph of ${shorten(title, 120)}">${draw(view, placed, the)}</div>`;
  return html`<section class="view${view.parent === null ? ' whole' : null}" id="${viewId(at)}" aria-labelledby="${viewId(at)}-title">
${crumbs(at, the)}<h2 id="${viewId(at)}-title">${shorten(title, 120)}</h2>${picture}${nodes.length ? rows(nodes, title, the) : null}</section>
`;
}

/** The way back: every module around this one. */
function crumbs(at: number, { views }: Page): Html | null {
  const way: number[] = [];
  for (let view = views[at]!.parent; view !== null; view = views[view]!.parent) way.unshift(view);
  if (!way.length) return null;
  const links = way.map(
    (view) =>
      html`<a href="#${viewId(view)}">${shorten(views[view]!.group.label, 60) || 'The whole model'}</a> <span aria-hidden="true">›</span> `,
  );
  return html`<nav class="crumbs" aria-label="Modules around ${shorten(views[at]!.group.path, 80)}">${links}</nav>`;
}

function rows(nodes: readonly number[], title: string, the: Page): Html {
  const columns: readonly Column[] = [
    text('Node'),
    text('Operator'),
    text('Type'),
    text('From PyTorch'),
    ...the.variants.map((variant) => text(shorten(variant, 60))),
  ];
  return table(
    {
      label: `Nodes of ${shorten(title, 120)}`,
      columns,
      items: nodes,
      id: nodeId,
      cells: (at) => cells(the.facts.nodes[at]!, { the, at }),
    },
    LIMITS,
  );
}

const cells = (node: GraphNode, { the, at }: { readonly the: Page; readonly at: number }): readonly Hole[] => [
  name(node.name, LIMITS),
  name(node.operator, LIMITS),
  [tensors(node.results), node.weights.length ? html`<br><small>weights ${tensors(node.weights)}</small>` : null],
  origin(node),
  ...the.variants.map((variant) => int8Text(the.int8[at]!.find((each) => each.variant === variant))),
];

const TENSORS_SHOWN = 4;

const tensors = (all: readonly ReportedTensor[]): Hole => [
  all
    .slice(0, TENSORS_SHOWN)
    .map(
      (tensor, i) => html`${i ? ', ' : null}<code>${shorten(`${tensor.dtype}${dimsText(tensor)}`, LIMITS.name)}</code>`,
    ),
  all.length > TENSORS_SHOWN ? `, ${formatCount(all.length - TENSORS_SHOWN)} more` : null,
];

const origin = ({ origin: from }: GraphNode): Hole =>
  from === null
    ? '–'
    : [
        name(from.operator, LIMITS),
        html`<br><small>${[from.module, from.line].filter((part) => part).map((part, i) => [i ? ', ' : null, name(part!, LIMITS)])}</small>`,
      ];

const PRECISIONS = { codes: 'pass', kept: 'warn', float: 'warn' } as const satisfies Record<
  NodeInt8['precision'],
  'pass' | 'warn'
>;

function int8Text(found: NodeInt8 | undefined): Hole {
  if (!found) return '–';
  const { precision, kernel, reason, sqnr } = found;
  const words = precision === 'codes' ? (kernel ?? 'INT8') : 'float';
  return [
    outcome(PRECISIONS[precision], shorten(words, LIMITS.name)),
    sqnr === null ? null : `, ${formatDecibels(sqnr)}`,
    reason === null ? null : html`<br><small>${shorten(reason, LIMITS.text)}</small>`,
  ];
}

/** Pages that leave out more than this have no room for the picture. */
const FULL_BARS = 12;

/** For the report: the whole model in one picture, and how to look into it. */
export function graphPicture(facts: GraphFacts, report: Report, { bars }: Limits): Html {
  const views = viewsOf(facts);
  const whole = views[0]!;
  const link = (box: Box): string | null =>
    box.kind === 'group' || box.kind === 'node'
      ? `./${GRAPH_PAGE}#${box.kind === 'node' ? nodeId(box.node) : viewId(box.view)}`
      : null;
  const picture = html`<div class="scroll picture" role="group" tabindex="0" aria-label="Graph of the model">${draw(whole, makeLayout()(whole)!, { facts, int8: int8Of(facts, report), link })}</div>`;
  return html`<p><a href="./${GRAPH_PAGE}">${sizeText(facts, views)}</a>: \
a dashed box is a module and leads inside, a node leads to its type, origin and precision.</p>${bars < FULL_BARS ? null : picture}`;
}
