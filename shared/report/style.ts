/** How a page looks: two palettes as data (a test holds their contrast), one style sheet, a print part. */
import { GRAPH_STYLE } from './graph/style.ts';
import { html, type Html } from './markup.ts';

export interface Palette {
  readonly page: string;
  readonly surface: string;
  readonly ink: string;
  readonly muted: string;
  readonly line: string;
  readonly accent: string;
  readonly accentSoft: string;
  readonly good: string;
  readonly goodSoft: string;
  readonly warn: string;
  readonly warnSoft: string;
  readonly bad: string;
  readonly badSoft: string;
}

export const LIGHT: Palette = {
  page: '#f6f5f2',
  surface: '#ffffff',
  ink: '#1b1d22',
  muted: '#5b5f68',
  line: '#e2e0da',
  accent: '#1d5c87',
  accentSoft: '#e6eff5',
  good: '#19663a',
  goodSoft: '#e6f3ea',
  warn: '#7d4e00',
  warnSoft: '#fbf1dc',
  bad: '#a3211b',
  badSoft: '#fbe9e7',
};

export const DARK: Palette = {
  page: '#131519',
  surface: '#1a1d23',
  ink: '#e9e8e4',
  muted: '#a4a8b1',
  line: '#2f333b',
  accent: '#82bce4',
  accentSoft: '#1c2d3a',
  good: '#82d0a0',
  goodSoft: '#172c20',
  warn: '#e9ba63',
  warnSoft: '#30260f',
  bad: '#ff9e94',
  badSoft: '#3a1c1a',
};

const variables = (
  p: Palette,
): Html => html`--page:${p.page};--surface:${p.surface};--ink:${p.ink};--muted:${p.muted};--line:${p.line};--accent:${p.accent};\
--accent-soft:${p.accentSoft};--good:${p.good};--good-soft:${p.goodSoft};--warn:${p.warn};--warn-soft:${p.warnSoft};--bad:${p.bad};--bad-soft:${p.badSoft}`;

const BASE = html`
*{box-sizing:border-box}
html{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;color:var(--ink);background:var(--page);-webkit-text-size-adjust:100%}
body{margin:0}
main,footer{max-width:1120px;margin:0 auto;padding:0 28px}
p{margin:0 0 10px;max-width:75ch}
a{color:var(--accent);text-underline-offset:.2em;text-decoration-thickness:1px}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
code,pre{font:.92em/1.5 ui-monospace,SFMono-Regular,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
code{unicode-bidi:isolate;overflow-wrap:anywhere}
pre{margin:0 0 12px;padding:14px 16px;background:var(--surface);border:1px solid var(--line);border-radius:8px;white-space:pre-wrap;overflow-wrap:anywhere}
.commands>span{display:inline-block;width:100%;padding-left:2ch;text-indent:-2ch}
.commands>span>span{display:inline-block;max-width:100%;text-indent:0}
ul{margin:0;padding:0;list-style:none}
small{font-size:.8rem;color:var(--muted)}
footer{padding-top:24px;padding-bottom:48px;color:var(--muted);font-size:.87rem}
`;

const TOP = html`
header{padding-top:44px}
.eyebrow{margin:0 0 6px;font-size:.78rem;letter-spacing:.09em;text-transform:uppercase;color:var(--muted)}
h1{margin:0 0 14px;font-size:2.15rem;line-height:1.15;letter-spacing:-.022em;font-weight:680;overflow-wrap:anywhere;unicode-bidi:isolate}
.verdict{display:flex;gap:14px;align-items:flex-start;margin:24px 0 18px;padding:18px 20px;border-radius:12px;border:1px solid;color:var(--ink)}
.verdict p{margin:0;max-width:none;min-width:0}
.verdict b{display:block;font-size:.78rem;letter-spacing:.06em;text-transform:uppercase;font-weight:650}
.verdict span{display:block;font-size:1.16rem;line-height:1.42;overflow-wrap:anywhere;text-wrap:pretty}
.verdict>.mark{width:30px;height:30px;margin-top:3px}
.verdict.pass{background:var(--good-soft);border-color:color-mix(in srgb,var(--good) 35%,transparent)}
.verdict.warn{background:var(--warn-soft);border-color:color-mix(in srgb,var(--warn) 35%,transparent)}
.verdict.fail{background:var(--bad-soft);border-color:color-mix(in srgb,var(--bad) 35%,transparent)}
.pass>.mark,.verdict.pass b{color:var(--good)}.warn>.mark,.verdict.warn b{color:var(--warn)}.fail>.mark,.verdict.fail b{color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:1px;background:var(--line);border:1px solid var(--line);border-radius:12px;overflow:hidden}
.tile{padding:15px 18px 16px;background:var(--surface)}
.tile p{margin:0}
.tile .label{font-size:.82rem;color:var(--muted)}
.tile .value{margin:3px 0 2px;font-size:1.72rem;line-height:1.25;font-weight:640;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.tile .note{font-size:.82rem;color:var(--muted);font-variant-numeric:tabular-nums}
.tile .none{font-size:1.05rem;font-weight:400;letter-spacing:0;color:var(--muted)}
nav{display:flex;flex-wrap:wrap;gap:4px 20px;margin:20px 0 0;padding:0 0 12px;border-bottom:1px solid var(--line);font-size:.87rem}
nav a{text-decoration:none;color:var(--muted)}
nav a:hover{color:var(--accent);text-decoration:underline}
`;

const PARTS = html`
section{margin-top:38px;scroll-margin-top:12px}
h2{margin:0 0 12px;font-size:1.2rem;line-height:1.3;letter-spacing:-.01em;font-weight:650;overflow-wrap:anywhere;unicode-bidi:isolate}
h2 a{color:inherit;text-decoration:none}
h2 a:hover{text-decoration:underline}
.card{padding:18px 20px;background:var(--surface);border:1px solid var(--line);border-radius:12px}
.card>:last-child{margin-bottom:0}
.badges{display:flex;flex-wrap:wrap;gap:8px 10px;align-items:center}
.badge{display:inline-block;padding:1px 9px;border-radius:99px;background:var(--accent-soft);color:var(--accent);font-size:.8rem;font-weight:600;white-space:nowrap}
th .badge{margin-left:8px}
.mark{flex:none;width:1.15em;height:1.15em;vertical-align:-.22em;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.outcome>.mark{margin-right:2px}
dl{display:flex;flex-wrap:wrap;gap:8px 30px;margin:0 0 14px}
dl div{min-width:0;max-width:100%}
dt{font-size:.78rem;color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.checks{display:grid;gap:3px;margin:0 0 14px}
.checks li{overflow-wrap:anywhere}
.checks .outcome{display:flex;gap:8px;align-items:baseline}
.checks .mark{transform:translateY(.2em)}
.checks .outcome>*{min-width:0}
.advice{margin:0;padding-left:1.6em}
.advice li{margin:0 0 6px;max-width:90ch;overflow-wrap:anywhere}
.detail,.more,.none{color:var(--muted)}
.warnings{display:grid;gap:10px}
.warnings li{display:flex;gap:12px;padding:12px 16px;border:1px solid color-mix(in srgb,var(--warn) 30%,transparent);background:var(--warn-soft);border-radius:10px;overflow-wrap:anywhere}
.warnings .mark{margin-top:3px;color:var(--warn)}
.warnings div{min-width:0}
.next{display:block}
.failure{margin:0 0 14px;padding:16px 18px 8px;border:1px solid color-mix(in srgb,var(--bad) 35%,transparent);background:var(--bad-soft);border-radius:12px}
.failure p{overflow-wrap:anywhere}
.type{padding:1px 7px;border-radius:5px;background:var(--accent-soft)}
.type b{color:var(--accent);font-weight:600}
details{margin:8px 0 14px}
summary{cursor:pointer;width:max-content;max-width:100%;font-size:.87rem;color:var(--muted)}
summary:hover{color:var(--accent)}
details[open]>summary{margin-bottom:8px}
`;

const TABLES = html`
.table{margin:0 0 16px;background:var(--surface);border:1px solid var(--line);border-radius:10px}
.scroll{overflow-x:auto;border-radius:10px}
table{width:100%;border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
.caption{margin:0;padding:9px 14px 7px;max-width:none;font-weight:600;font-size:.93rem;border-bottom:1px solid var(--line)}
th,td{padding:7px 14px;text-align:left;vertical-align:top;font-weight:400}
thead th{font-size:.8rem;color:var(--muted);white-space:nowrap;vertical-align:bottom;border-bottom:1px solid var(--line)}
tbody tr+tr>*{border-top:1px solid var(--line)}
.number{text-align:right;white-space:nowrap}
th code{overflow-wrap:anywhere}
td.text{min-width:6em}
td.text:has(code){min-width:11em}
tbody th.text{min-width:11em}
@media(min-width:900px){tbody th.text{min-width:14em}}
.trio tbody th.text{min-width:5em}
td.text:has(.outcome){white-space:nowrap}
td .prose,th .prose{display:block;min-width:12em}
.more{font-style:italic}
`;

const CHARTS = html`
figure{margin:0 0 14px}
section>figure,section>.pair>figure{padding:16px 18px 6px;background:var(--surface);border:1px solid var(--line);border-radius:12px}
figcaption{margin:0 0 12px;font-weight:600;font-size:.93rem;overflow-wrap:anywhere}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:0 18px}
.trio{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,270px),1fr));gap:0 18px;align-items:start}
.card .pair{align-items:start}
.chart{display:block;overflow:hidden;font-size:12px;font-variant-numeric:tabular-nums}
.chart text{fill:var(--ink);paint-order:stroke;stroke:var(--surface);stroke-width:3px;stroke-linejoin:round}
.chart .tick,.chart .axis,.chart .name{fill:var(--muted)}
.chart .tick,.chart .axis{font-size:11px}
.chart .strong{font-weight:650}
.chart .grid{stroke:var(--line)}
.chart .zero{stroke:var(--muted)}
.bar.plain{fill:var(--accent)}
.bar.bad{fill:var(--bad)}
.point.plain{fill:var(--surface);stroke:var(--muted);stroke-width:2}
.point.chosen{fill:var(--accent)}
.ring{fill:none;stroke:var(--accent);stroke-width:1.5}
`;

const NARROW = html`
@media(max-width:760px){.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media(max-width:560px){
main,footer{padding-left:16px;padding-right:16px}
header{padding-top:24px}
h1{font-size:1.6rem}
.verdict{padding:14px;gap:10px}
.verdict span{font-size:1.03rem}
.verdict>.mark{width:24px;height:24px}
.tile{padding:12px}
.tile .value{font-size:1.35rem}
.card{padding:14px}
section>figure,section>.pair>figure{padding:14px 14px 4px}
th,td{padding:7px 10px}
}
`;

// Paper is light, small and does not scroll; charts print their numbers, so their tables stay folded and everything
// else unfolds.
const PRINT = html`
@page{size:A4;margin:10mm 12mm}
@media print{
:root{${variables({ ...LIGHT, page: '#ffffff' })};color-scheme:light}
html{font-size:8pt;line-height:1.3;print-color-adjust:exact;-webkit-print-color-adjust:exact}
main,footer{max-width:none;padding:0}
header{padding-top:0}
nav,.twin,footer{display:none}
h1{font-size:15pt;margin-bottom:6pt}
h2{font-size:10.5pt;margin-bottom:4pt;break-after:avoid}
section{margin-top:6pt}
section>:last-child,section dl{margin-bottom:2pt}
.verdict{margin:5pt 0;padding:5pt 10pt}
.verdict>.mark{width:20pt;height:20pt;margin-top:1pt}
.warnings li{padding:4pt 8pt}
.verdict span{font-size:10pt}
.tile{padding:4pt 9pt 5pt}
.tile .value{font-size:13pt}
.card{padding:0;border:0}
dl{gap:2pt 14pt;margin-bottom:5pt}
pre{padding:5pt 8pt;margin-bottom:5pt}
th,td{padding:1.5pt 6pt}
td.text,td.text:has(code),tbody th.text,.prose{min-width:0}
.caption{padding:3pt 6pt}
.table{margin-bottom:4pt;border-radius:4pt}
.scroll{overflow:visible}
.checks{display:flex;flex-wrap:wrap;gap:0 14pt;margin-bottom:5pt}
figure,section>figure,section>.pair>figure{padding:0;border:0;margin-bottom:2pt;break-inside:avoid}
figcaption{margin-bottom:3pt}
.pair,.trio{gap:0 12pt}
.pair{grid-template-columns:1fr 1fr}
.trio{grid-template-columns:1fr 1fr 1fr}
.tiles{grid-template-columns:repeat(4,1fr)}
.chart{zoom:.7}
tr,.short,.verdict,.tiles,.failure,.warnings li{break-inside:avoid}
a{color:inherit;text-decoration:none}
details::details-content{content-visibility:visible;display:block;block-size:auto}
summary{list-style:none}
}
`;

export const STYLE: Html = html`<style>:root{color-scheme:light dark;${variables(LIGHT)}}
@media(prefers-color-scheme:dark){:root{${variables(DARK)}}}${[BASE, TOP, PARTS, TABLES, CHARTS, GRAPH_STYLE, NARROW, PRINT]}</style>`;
