/** How pages with runs look, with a server or without, and where files are dropped on them. */
import { html, type Html } from '../../shared/report/markup.ts';

export const LOOKS: Html = html`<style>
h3{margin:0 0 4px;font-size:1.05rem;overflow-wrap:anywhere}
.run{margin:0 0 14px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.drop{display:block;position:relative;margin:16px 0 0;padding:40px 20px;text-align:center;border:2px dashed var(--muted);border-radius:12px;background:var(--surface);cursor:pointer}
.drop.over,.drop:hover{border-color:var(--accent);background:var(--accent-soft)}
.drop input{position:absolute;inset:0;width:100%;height:100%;opacity:0;cursor:pointer}
.drop:focus-within,button:focus-visible,select:focus-visible,input:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.drop b{display:block;font-size:1.16rem}
.when{color:var(--muted);font-size:.87rem;overflow-wrap:anywhere}
.steps{margin:0 0 10px;padding:0;list-style:none;display:grid;gap:2px}
.steps .done span{color:var(--good)}.steps .failed span,#problem{color:var(--bad)}
.sentence{overflow-wrap:anywhere;white-space:pre-line}
.sentence.fail b{color:var(--bad)}
.badge.failed{background:var(--bad-soft);color:var(--bad)}.badge.done{background:var(--good-soft);color:var(--good)}
.actions{display:flex;flex-wrap:wrap;gap:6px 18px;align-items:center;max-width:none}
button,select{font:inherit;padding:5px 14px;border:1px solid var(--muted);border-radius:8px;background:var(--surface);color:var(--ink);cursor:pointer}
</style>`;

/** The box, what is wrong with what was dropped, and what screen readers are told. */
export const dropZone = (
  taken: readonly string[],
): Html => html`<label class="drop" id="drop"><b>Drop models and data here</b> or choose files: \
${taken.map((name, i) => html`${i > 0 ? ', ' : ''}<code>${name}</code>`)}
<input id="files" type="file" multiple aria-describedby="problem"></label>
<p id="problem" role="alert"></p>
<p id="says" class="hidden" role="status" aria-live="polite"></p>
`;
