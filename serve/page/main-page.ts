/** The page: a place to drop files on, and the runs. It asks nothing of any other machine. */
import { createHash } from 'node:crypto';
import { page } from '../../shared/report/page.ts';
import { html, script } from '../../shared/report/markup.ts';
import type { Run } from '../run.ts';
import { dropZone, LOOKS } from './layout.ts';
import { runList } from './run-card.ts';

// A name that the type checker does not follow: what it knows of browsers would let `name` and `status` pass anywhere.
const { CLIENT } = (await import('./client.ts' as string)) as { readonly CLIENT: string };

const hash = createHash('sha256').update(CLIENT).digest('base64');

/** Only this script, and only this server. */
export const PAGE_POLICY =
  `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data:; ` +
  "connect-src 'self'; base-uri 'none'; form-action 'self'";

const TAKEN = ['.pt2', '.onnx', 'job.json', '.calibration.npz', '.test.npz', '.reference.npz', '.int8.pt'];

/** Page and script; the runs as they are now, so that it says something before the first event. */
export const mainPage = (runs: readonly Run[]): string =>
  page(
    'torchferry',
    html`${LOOKS}<main><header><h1>torchferry</h1></header>
${dropZone(TAKEN)}
<p id="offline" role="status" hidden>The server does not answer; trying again.</p>
<section aria-labelledby="runs-heading"><h2 id="runs-heading">Runs</h2>
<form action="/compare" method="get"><div id="runs">${runList(runs)}</div>
<p><button type="submit">Compare the chosen runs</button></p></form></section></main>${script(CLIENT)}`,
    PAGE_POLICY,
  );
