/** A run on the page: what it does now, what came of it. Made here for the first look and for every change. */
import { STAGES } from '../../shared/pipeline/machine/stages.ts';
import { GRAPH_PAGE } from '../../shared/report/graph/facts.ts';
import { html, shorten, type Html } from '../../shared/report/markup.ts';
import { isOver, type Run, type RunStatus, type RunStep } from '../run.ts';

const WORDS: Readonly<Record<RunStatus, string>> = {
  uploading: 'receiving files',
  waiting: 'in line',
  running: 'running',
  stopping: 'stopping',
  done: 'done',
  failed: 'failed',
  stopped: 'stopped',
};

const STEP_WORDS = { started: 'under way', done: 'done', failed: 'failed' } as const;
const MARKS = { started: '…', done: '✓', failed: '✕' } as const;

const nameOf = ({ model }: Run): string => shorten(model, 60);
const doing = ({ stage, variant }: RunStep): string => `${STAGES[stage].doing}${variant === null ? '' : ` ${variant}`}`;

/** One line of what is new, read out by screen readers. */
export function saying(run: Run): string {
  const step = run.steps.at(-1);
  if (run.status === 'running' && step) return `${nameOf(run)}: ${doing(step)}, ${STEP_WORDS[step.status]}`;
  return `${nameOf(run)}: ${WORDS[run.status]}${run.sentence === null ? '' : `. ${run.sentence}`}`;
}

export const runList = (runs: readonly Run[]): Html =>
  runs.length > 0 ? html`${runs.map((run) => runCard(run))}` : html`<p id="none" class="none">No runs yet.</p>`;

/** Where a result of a run can be read. */
export type AddressOf = (run: Run, file: string) => string;
const onServer: AddressOf = ({ id }, file) => `/runs/${id}/results/${encodeURIComponent(file)}`;

export const runCard = (
  run: Run,
  addressOf: AddressOf = onServer,
): Html => html`<article class="card run" id="run-${run.id}" aria-labelledby="name-${run.id}">
<h3 id="name-${run.id}">${nameOf(run)} <span class="badge ${run.status}">${WORDS[run.status]}</span></h3>
<p class="when"><time datetime="${run.created}">${run.created.slice(0, 16).replace('T', ' ')} UTC</time> · ${run.inputs.map((name) => shorten(name, 60)).join(', ')}</p>
${run.steps.length > 0 ? html`<ol class="steps">${run.steps.map(stepItem)}</ol>` : null}\
${run.sentence === null ? null : html`<p class="sentence ${run.verdict ?? 'none'}">${run.code === null ? null : html`<b>${run.code}</b> `}${run.sentence}</p>`}\
${actions(run, addressOf)}</article>
`;

const stepItem = (step: RunStep): Html =>
  html`<li class="${step.status}"><span aria-hidden="true">${MARKS[step.status]}</span> ${doing(step)} <small>${STEP_WORDS[step.status]}</small></li>`;

function actions(run: Run, addressOf: AddressOf): Html {
  if (!isOver(run)) {
    return html`<p class="actions"><button type="button" id="stop-${run.id}" data-stop="${run.id}">Stop <span class="hidden">${nameOf(run)}</span></button></p>`;
  }
  const link = (file: string): Html => {
    const address = addressOf(run, file);
    const page = PAGES.get(file);
    return page
      ? html`<a id="${page.toLowerCase()}-${run.id}" href="${address}">${page}<span class="hidden"> of ${nameOf(run)}</span></a> `
      : html`<a href="${address}" download="${file}">${file}<span class="hidden"> of ${nameOf(run)}</span></a> `;
  };
  const choose = html`<label><input type="checkbox" name="run" value="${run.id}" id="compare-${run.id}"> compare<span class="hidden"> ${nameOf(run)}</span></label>`;
  return html`<p class="actions">${run.files.toSorted(pagesFirst).map(link)}${run.files.includes('report.json') ? choose : null}</p>`;
}

/** Those that are read here, in their order; the others are downloaded. */
const PAGES = new Map([
  ['report.html', 'Report'],
  [GRAPH_PAGE, 'Graph'],
]);
const RANKS = [...PAGES.keys()].reverse();

const pagesFirst = (a: string, b: string): number => RANKS.indexOf(b) - RANKS.indexOf(a);
