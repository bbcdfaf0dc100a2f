/** The page: a place to drop files on, and the runs. It asks nothing of any other machine. */
import { createHash } from 'node:crypto';
import { page } from '../../shared/report/html.ts';
import { html, script } from '../../shared/report/markup.ts';
import type { Run } from '../run.ts';
import { runList } from './run-card.ts';

// A name that the type checker does not follow: what it knows of browsers would let `name` and `status` pass anywhere.
const { CLIENT } = (await import('./client.ts' as string)) as { readonly CLIENT: string };

const hash = createHash('sha256').update(CLIENT).digest('base64');

/** Only this script, and only this server. */
export const PAGE_POLICY =
  `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data:; ` +
  "connect-src 'self'; base-uri 'none'; form-action 'self'";

const LOOKS = html`<style>
h3{margin:0 0 4px;font-size:1.05rem;overflow-wrap:anywhere}
.run{margin:0 0 14px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.drop{display:block;position:relative;padding:40px 20px;text-align:center;border:2px dashed var(--muted);border-radius:12px;background:var(--surface);cursor:pointer}
.drop.over,.drop:hover{border-color:var(--accent);background:var(--accent-soft)}
.drop input{position:absolute;inset:0;width:100%;height:100%;opacity:0;cursor:pointer}
.drop:focus-within,button:focus-visible,input:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.drop b{display:block;font-size:1.16rem}
.when{color:var(--muted);font-size:.87rem;overflow-wrap:anywhere}
.steps{margin:0 0 10px;padding:0;list-style:none;display:grid;gap:2px}
.steps .done span{color:var(--good)}.steps .failed span,#problem{color:var(--bad)}
.sentence{overflow-wrap:anywhere;white-space:pre-line}
.sentence.fail b{color:var(--bad)}
.badge.failed{background:var(--bad-soft);color:var(--bad)}.badge.done{background:var(--good-soft);color:var(--good)}
.actions{display:flex;flex-wrap:wrap;gap:6px 18px;align-items:center;max-width:none}
button{font:inherit;padding:5px 14px;border:1px solid var(--muted);border-radius:8px;background:var(--surface);color:var(--ink);cursor:pointer}
</style>`;

/** Page and script; the runs as they are now, so that it says something before the first event. */
export const mainPage = (runs: readonly Run[]): string =>
  page(
    'torchferry',
    html`${LOOKS}<main><header><h1>torchferry</h1></header>
<label class="drop" id="drop"><b>Drop models and data here</b> or choose files: <code>.pt2</code>, <code>.onnx</code>, <code>job.json</code>, \
<code>.calibration.npz</code>, <code>.test.npz</code>, <code>.reference.npz</code>, <code>.int8.pt</code>
<input id="files" type="file" multiple aria-describedby="problem"></label>
<p id="problem" role="alert"></p>
<p id="offline" role="status" hidden>The server does not answer; trying again.</p>
<p id="says" class="hidden" role="status" aria-live="polite"></p>
<section aria-labelledby="runs-heading"><h2 id="runs-heading">Runs</h2>
<form action="/compare" method="get"><div id="runs">${runList(runs)}</div>
<p><button type="submit">Compare the chosen runs</button></p></form></section></main>${script(CLIENT)}`,
    PAGE_POLICY,
  );
