/** How graphs look, in the palettes of the page. */
import { html, type Html } from '../markup.ts';

export const GRAPH_STYLE: Html = html`
.graph{display:block;margin:0 auto;font-size:13px}
.graph text{fill:var(--ink)}
.graph .note{fill:var(--muted);font-size:11px}
.graph .arrows{fill:none;stroke:var(--muted);stroke-width:1.2}
.graph .arrows polygon{fill:var(--muted);stroke:none}
.box rect{fill:var(--surface);stroke:var(--line);stroke-width:1.5}
.box.group rect{stroke-dasharray:5 3}
.box.codes rect{fill:var(--accent-soft);stroke:var(--accent)}
.box.off rect{fill:var(--bad-soft);stroke:var(--bad);stroke-width:2.5}
.box.end rect{fill:none}
a.box:hover rect,a.box:focus-visible rect{stroke:var(--accent);stroke-width:3}
a.box:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
a.box .title{text-decoration:underline;text-underline-offset:.2em;text-decoration-thickness:1px}
.picture{margin:0 0 16px;padding:6px;background:var(--page);border:1px solid var(--line);border-radius:10px}
.view{display:none;margin-top:22px}
.view:target,.view:has(:target){display:block}
main:not(:has(:target)) .view.whole{display:block}
.crumbs{display:flex;flex-wrap:wrap;gap:2px 8px;margin:0 0 10px}
tr:target>*{background:var(--accent-soft)}
.key{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0 0 12px;font-size:.87rem;color:var(--muted)}
`;
