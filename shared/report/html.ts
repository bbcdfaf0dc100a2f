/** report.html: one self-contained page without script or request, readable from disk, in mail and on paper. */
import { sectionElement, type Section } from './elements.ts';
import { withinSize, type Limits } from './limits.ts';
import { html, shorten, type Html } from './markup.ts';
import { page } from './page.ts';
import type { GraphFacts } from './graph/facts.ts';
import type { Report } from './report.ts';
import { advice } from './sections/advice.ts';
import { changes } from './sections/changes.ts';
import { failure } from './sections/failure.ts';
import { graph as graphSection } from './sections/graph.ts';
import { header } from './sections/header.ts';
import { model } from './sections/model.ts';
import { operatorTimes } from './sections/operator-times.ts';
import { operators } from './sections/operators.ts';
import { options } from './sections/options.ts';
import { reproduce } from './sections/reproduce.ts';
import { stages } from './sections/stages.ts';
import { variants } from './sections/variants.ts';
import { variantSections } from './sections/variant.ts';
import { warnings } from './sections/warnings.ts';

type Row = readonly Section[];

interface Shown {
  readonly report: Report;
  readonly graph: GraphFacts | null;
}

/** The order of the page: short sections share a row where the window is wide. */
const rowsOf = ({ report, graph }: Shown, limits: Limits): readonly Row[] =>
  [
    [failure(report, limits)],
    [advice(report, limits)],
    [warnings(report, limits)],
    [variants(report, limits)],
    [changes(report, limits)],
    ...variantSections(report, limits).map((section) => [section]),
    [model(report, limits)],
    [graphSection(report, graph, limits)],
    [operatorTimes(report, limits)],
    [operators(report, limits), stages(report, limits)],
    [options(report, limits), reproduce(report, limits)],
  ].map((row) => row.filter((section) => section !== null));

const rowElement = (row: Row): Html =>
  row.length > 1 ? html`<div class="pair">${row.map(sectionElement)}</div>` : html`${row.map(sectionElement)}`;

function pageOf(shown: Shown, limits: Limits): string {
  const { report } = shown;
  const rows = rowsOf(shown, limits);
  const links = rows.flat().map(({ id, title }) => html`<a href="#${id}">${shorten(title, 40)}</a> `);
  return page(
    `${shorten(report.model.key, 80)}: torchferry report`,
    html`<main>${header(report, limits)}
<nav aria-label="Sections">${links}</nav>
${rows.map(rowElement)}</main>
<footer><p>All figures in full: <a href="report.json">report.json</a></p></footer>`,
  );
}

/**
 * Same report, same bytes. Also for a job that failed at once: every part may be absent. `graph`: what the page beside
 * it shows in full.
 */
export const renderHtml = (report: Report, graph: GraphFacts | null = null): string =>
  withinSize('report.json', (limits) => pageOf({ report, graph }, limits));
