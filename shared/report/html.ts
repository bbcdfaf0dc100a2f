/** report.html: one self-contained page without script or request, readable from disk, in mail and on paper. */
import { sectionElement, type Section } from './elements.ts';
import { withinSize, type Limits } from './limits.ts';
import { html, shorten, type Html } from './markup.ts';
import type { Report } from './report.ts';
import { advice } from './sections/advice.ts';
import { changes } from './sections/changes.ts';
import { failure } from './sections/failure.ts';
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
import { STYLE } from './style.ts';

type Row = readonly Section[];

/** The order of the page: short sections share a row where the window is wide. */
const rowsOf = (report: Report, limits: Limits): readonly Row[] =>
  [
    [failure(report, limits)],
    [advice(report, limits)],
    [warnings(report, limits)],
    [variants(report, limits)],
    [changes(report, limits)],
    ...variantSections(report, limits).map((section) => [section]),
    [model(report, limits)],
    [operatorTimes(report, limits)],
    [operators(report, limits), stages(report, limits)],
    [options(report, limits), reproduce(report, limits)],
  ].map((row) => row.filter((section) => section !== null));

const rowElement = (row: Row): Html =>
  row.length > 1 ? html`<div class="pair">${row.map(sectionElement)}</div>` : html`${row.map(sectionElement)}`;

export const NOTHING_LOADS =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** The frame of every page: what a browser may load (by default nothing), how it looks. */
export const page = (title: string, body: Html, policy = NOTHING_LOADS): string =>
  String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${title}</title>
${STYLE}
</head>
<body>
${body}
</body>
</html>
`);

function pageOf(report: Report, limits: Limits): string {
  const rows = rowsOf(report, limits);
  const links = rows.flat().map(({ id, title }) => html`<a href="#${id}">${shorten(title, 40)}</a> `);
  return page(
    `${shorten(report.model.key, 80)}: torchferry report`,
    html`<main>${header(report, limits)}
<nav aria-label="Sections">${links}</nav>
${rows.map(rowElement)}</main>
<footer><p>All figures in full: <a href="report.json">report.json</a></p></footer>`,
  );
}

/** Same report, same bytes. Also for a job that failed at once: every part may be absent. */
export const renderHtml = (report: Report): string => withinSize('report.json', (limits) => pageOf(report, limits));
