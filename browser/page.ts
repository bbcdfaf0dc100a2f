/** The script of the page without a server: takes files, gives each model to a worker, shows how it goes. */
import { groupsOf } from '../serve/groups.ts';
import { type AddressOf, runCard, saying } from '../serve/page/run-card.ts';
import { attend, byId, show } from '../serve/page/widgets.ts';
import { isOver, type Run, withStep } from '../serve/run.ts';
import { isFailure } from '../shared/errors.ts';
import type { Order, Told } from './messages.ts';
import { removeAbandoned, takeOwner } from './own-files.ts';

const runs = new Map<string, Run>();
/** Where the results of runs lie. */
const addresses = new Map<string, ReadonlyMap<string, string>>();
const workers = new Map<string, Worker>();
const script = URL.createObjectURL(
  new Blob([JSON.parse(byId('worker').textContent) as string], { type: 'text/javascript' }),
);
// Browsers keep files for pages of https and of this machine only.
const owner = takeOwner().catch(() => null);
// What a closed page left there only takes room: not to be rid of it stops nothing.
owner.then(removeAbandoned).catch(() => {});
/** Running a model takes several times its size. */
const RUN_BELOW = 64 << 20;
/** onnxruntime's, unpacked for the first model that is run. */
let program: Promise<ArrayBuffer> | null = null;
/** Models one after another: memory is one. */
let last: Promise<void> = Promise.resolve();

function change(id: string, changes: Partial<Run>): void {
  const run = { ...runs.get(id)!, ...changes };
  runs.set(id, run);
  const addressOf: AddressOf = (_, file) => addresses.get(id)!.get(file)!;
  show({ id, html: String(runCard(run, addressOf)), says: saying(run) });
}

async function take(files: readonly File[]): Promise<void> {
  if (files.length === 0) return;
  byId('problem').textContent = '';
  const also = ((byId('also') as HTMLSelectElement).value || null) as Order['also'];
  try {
    for (const { model, files: names } of groupsOf(files.map(({ name }) => name))) {
      const inputs = names.map((name) => files.find((file) => file.name === name)!);
      const id = `${runs.size + 1}`;
      runs.set(id, newRun(id, model, names));
      change(id, { status: 'waiting' });
      last = last.then(() => work(id, inputs, also));
    }
  } catch (error) {
    byId('problem').textContent = isFailure(error) ? `${error.code}: ${error.message}` : String(error);
  }
}

async function unpacked(id: string): Promise<ArrayBuffer> {
  const text = atob(JSON.parse(byId(id).textContent) as string);
  const packed = new Blob([Uint8Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))]);
  return new Response(packed.stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

const newRun = (id: string, model: string, inputs: readonly string[]): Run => ({
  id,
  model,
  inputs,
  created: new Date().toISOString(),
  status: 'waiting',
  steps: [],
  verdict: null,
  sentence: null,
  code: null,
  files: [],
});

/** One run. Its worker goes with it, and all the memory that it took. */
async function work(id: string, files: readonly File[], also: Order['also']): Promise<void> {
  if (isOver(runs.get(id)!)) return;
  const worker = new Worker(script);
  workers.set(id, worker);
  change(id, { status: 'running' });
  const [model, ...data] = files;
  const wasm = model!.size > RUN_BELOW ? null : await (program ??= unpacked('onnxruntime'));
  const order: Order = { model: model!, data, also, wasm, owner: await owner };
  await new Promise<void>((resolve) => {
    worker.addEventListener('message', ({ data: told }: MessageEvent<Told>) => {
      hear(id, told);
      if (told.kind !== 'step') resolve();
    });
    worker.addEventListener('error', ({ message }) => {
      change(id, { status: 'failed', verdict: 'fail', code: 'Error', sentence: message || 'the worker did not start' });
      resolve();
    });
    worker.addEventListener('stopped', () => resolve());
    worker.postMessage(order);
  });
  worker.terminate();
  workers.delete(id);
}

function hear(id: string, told: Told): void {
  if (told.kind === 'step') change(id, { steps: withStep(runs.get(id)!.steps, told) });
  else if (told.kind === 'failed') {
    const steps = runs
      .get(id)!
      .steps.map((step) => (step.status === 'started' ? ({ ...step, status: 'failed' } as const) : step));
    change(id, { status: 'failed', steps, verdict: 'fail', code: told.code, sentence: told.message });
  } else {
    addresses.set(id, new Map(told.results.map(({ name, blob }) => [name, URL.createObjectURL(blob)])));
    const { verdict, sentence } = told;
    change(id, { status: 'done', verdict, sentence, files: told.results.map(({ name }) => name) });
  }
}

function stop(id: string): void {
  change(id, { status: 'stopped', sentence: 'It was stopped.' });
  workers.get(id)?.dispatchEvent(new Event('stopped'));
}

attend({ take, stop });
addEventListener('beforeunload', (event) => {
  // Nothing of a run survives its page.
  if (workers.size > 0) event.preventDefault();
});
