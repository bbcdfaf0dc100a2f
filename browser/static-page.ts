/** The page without a server as one file: it asks nothing of anybody, and its worker inherits that. */
import { runList } from '../serve/page/run-card.ts';
import { dropZone, LOOKS } from '../serve/page/layout.ts';
import { DTYPES, isQuantized, VARIANTS } from '../shared/choices.ts';
import { page } from '../shared/report/page.ts';
import { dataElement, html, script } from '../shared/report/markup.ts';

const QUANTIZED = DTYPES.filter((dtype) => isQuantized({ dtype }));

export interface StaticPage {
  readonly script: string;
  readonly worker: string;
  /** onnxruntime's program: WebAssembly, gzip, base64. */
  readonly wasm: string;
  /** SHA-256 of the script, in base64. */
  readonly hash: string;
}

// Scripts: this one, workers of what it holds, and WebAssembly. Connections: none.
const policyOf = (hash: string): string =>
  `default-src 'none'; script-src 'sha256-${hash}' 'wasm-unsafe-eval'; worker-src blob:; ` +
  "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

export const staticPage = ({ script: text, worker, wasm, hash }: StaticPage): string =>
  page(
    'torchferry',
    html`${LOOKS}<main><header><h1>torchferry</h1>
<p>PyTorch to ONNX in this browser. Nothing leaves this machine: the page may not connect to any other, and works without a network.</p></header>
${dropZone(['.pt2', '.calibration.npz', '.test.npz', '.reference.npz'])}
<p><label>Make FP32 <select id="also"><option value="">only</option>${QUANTIZED.map((dtype) => html`<option value="${dtype}">and ${VARIANTS[dtype].title}</option>`)}</select></label></p>
<section aria-labelledby="runs-heading"><h2 id="runs-heading">Runs</h2>
<div id="runs">${runList([])}</div></section></main>${dataElement('worker', worker)}${dataElement('onnxruntime', wasm)}${script(text)}`,
    policyOf(hash),
  );
