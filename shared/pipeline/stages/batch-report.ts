/** Batch report: every model of a batch with how it ended, and a manifest of those that have to be run again. */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished, pipeline } from 'node:stream/promises';
import {
  type BatchFrame,
  type BatchItem,
  batchItemJson,
  batchJson,
  BATCH_REPORT_VERSION,
  type BatchSummary,
  BatchTally,
  renderBatchHtml,
} from '../../report/batch.ts';
import type { BatchCost, CostSummary } from '../../report/cost.ts';
import { readReport } from '../../report/json.ts';
import type { Verdict } from '../../report/report.ts';
import { isFailure } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import type { Json } from '../machine/asl.ts';
import { BAD_ROW } from '../machine/batch-machine.ts';
import { CostTally } from '../cost/batch-cost.ts';
import { summaryOf } from '../cost/cost.ts';
import { fieldsOf } from '../workspace/job-stage.ts';
import { readTextIfThere } from '../workspace/read-object.ts';
import { type ItemResult, readMapResults } from '../machine/map-results.ts';
import { type JobBuckets, type Located, locate, outputStem } from '../job/request.ts';
import type { ObjectStore } from '../workspace/store.ts';
import type { RunStage, Services } from '../workspace/services.ts';

interface Batch {
  readonly id: string;
  readonly bucket: string;
  readonly manifest: string | null;
  readonly prefix: string | null;
  readonly options: Json;
}

/** A model of the batch and the manifest row that asks for it again. */
interface Row {
  readonly item: BatchItem;
  readonly again: Json;
  readonly cost: CostSummary | null;
}

export const run: RunStage = async (input, services) => {
  const given = fieldsOf(input);
  const batch = given['batch'] as unknown as Batch;
  const { work, output } = given['buckets'] as unknown as JobBuckets;
  const named = [batch.manifest, batch.prefix].find((name) => typeof name === 'string') ?? '';
  const folder = `${outputStem(named) || 'batch'}/${batch.id}/`;
  const temporary = await mkdtemp(join(services.temporaryFolder, 'torchferry-'));
  try {
    const frame = {
      batchReportVersion: BATCH_REPORT_VERSION,
      torchferry: VERSION,
      id: batch.id,
      created: new Date(services.now()).toISOString(),
    } as const;
    const results = readMapResults(services.store, work, batch.id);
    const rows = inOrder(results, SIDE_BY_SIDE, (result) => rowOf(result, { batch, folder, output }, services));
    const { failed, json, summary, cost } = await writeRows(rows, { frame, temporary });
    const at = (name: string) => ({ bucket: output, key: folder + name });
    await services.store.putFile({ ...at('failed.jsonl'), path: failed, contentType: 'application/jsonl' });
    const page = Buffer.from(renderBatchHtml({ ...frame, cost }, summary));
    await services.store.putBytes({ ...at('batch-report.html'), bytes: page, contentType: 'text/html; charset=utf-8' });
    await services.store.putFile({ ...at('batch-report.json'), path: json, contentType: 'application/json' });
    const { models, counts } = summary;
    return {
      batch: batch.id,
      output: { bucket: output, folder },
      report: `${folder}batch-report.json`,
      models,
      ...counts.status,
      cost: cost && { ...summaryOf(cost), models: cost.models },
    };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
};

// Lookups wait for S3, not for each other.
const SIDE_BY_SIDE = 32;

interface Written {
  /** Paths. */
  readonly failed: string;
  readonly json: string;
  readonly summary: BatchSummary;
  readonly cost: BatchCost | null;
}

/** Items go to files as they come: of a batch of any size only the summary is held. */
async function writeRows(
  rows: AsyncIterable<Row | null>,
  { frame, temporary }: { readonly frame: BatchFrame; readonly temporary: string },
): Promise<Written> {
  const [failed, items, json] = ['failed.jsonl', 'items', 'batch-report.json'].map((name) => join(temporary, name));
  const [tally, costs] = [new BatchTally(), new CostTally()];
  const again = createWriteStream(failed!);
  await pipeline(async function* () {
    let separator = '';
    for await (const row of rows) {
      if (row === null) continue;
      tally.add(row.item);
      costs.add(row.cost);
      if (row.item.status === 'fail' && !again.write(`${JSON.stringify(row.again)}\n`)) await once(again, 'drain');
      yield `${separator}${batchItemJson(row.item)}`;
      separator = ',\n';
    }
  }, createWriteStream(items!));
  await finished(again.end());
  const [summary, cost] = [tally.summary(), costs.total()];
  const { head, tail } = batchJson({ ...frame, cost }, summary);
  await pipeline(async function* () {
    yield head;
    yield* createReadStream(items!);
    yield tail;
  }, createWriteStream(json!));
  return { failed: failed!, json: json!, summary, cost };
}

/** Work on several at a time, results in the order of the items. */
async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  count: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    // It is awaited later; until then a failure is nobody's.
    result.catch(() => {});
    begun.push(result);
    if (begun.length === count) yield await begun.shift()!;
  }
  for (const result of begun) yield await result;
}

async function rowOf(
  result: ItemResult,
  { batch, folder, output }: { readonly batch: Batch; readonly folder: string; readonly output: string },
  { store }: Services,
): Promise<Row | null> {
  // What lies under a prefix and is no model.
  if (fieldsOf(result.output)['skipped'] === true) return null;
  const given = fieldsOf(fieldsOf(result.input)['item'] ?? null);
  if (typeof given['problem'] === 'string') return brokenRow(given);
  const request = requestOf(batch, given);
  const { request: _, ...again } = request;
  const { key } = request;
  const failed = { key: String(key), status: 'fail', ...WITHOUT_MODEL } as const;
  if (result.status === 'PENDING') {
    return {
      again,
      cost: null,
      item: {
        ...failed,
        code: null,
        sentence: 'Not started: too many other models had failed.',
        report: null,
        bytes: 0,
      },
    };
  }
  if (result.status === 'FAILED') {
    const located = await locate(store, request);
    const { cost, ...reported } = await reportedAt(located, result.cause, { store, folder, output });
    const item = { ...failed, code: result.error || null, ...reported, bytes: located.bytes, cost: usdOf(cost) };
    return { again, cost, item };
  }
  const answer = fieldsOf(result.output);
  // What the report stage returned.
  const cost = (answer['cost'] ?? null) as unknown as CostSummary | null;
  return { again, cost, item: { ...succeeded(String(key), answer, folder), cost: usdOf(cost) } };
}

const WITHOUT_MODEL = { chosenBytes: null, sizeRatio: null, cost: null } as const;

const usdOf = (cost: CostSummary | null): number | null => cost?.usd ?? null;

/** The report of a failed item, where it is: an answer that S3 gave the conversion it may not give a second time. */
async function reportedAt(
  located: Located,
  cause: string,
  { store, folder, output }: { readonly store: ObjectStore; readonly folder: string; readonly output: string },
): Promise<Pick<BatchItem, 'report' | 'sentence'> & Pick<Row, 'cost'>> {
  const at = { bucket: output, key: `${located.folder}report.json` };
  try {
    const text = await readTextIfThere(store, at);
    if (text !== null) {
      const cost = readReport(text)?.cost;
      const report = relative(folder, `${located.folder}report.html`);
      return { report, sentence: cause, cost: cost ? summaryOf(cost) : null };
    }
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { report: null, sentence: `${cause} (its report could not be looked up: ${error.message})`, cost: null };
  }
  const why = located.problem === null || cause.includes(located.problem) ? '' : `: ${located.problem}`;
  return { report: null, sentence: `${cause} (no report was found${why})`, cost: null };
}

function succeeded(key: string, output: Readonly<Record<string, Json>>, folder: string): BatchItem {
  if (output['duplicate'] === true) {
    return {
      key,
      status: 'warn',
      code: null,
      sentence: 'Named more than once: see the other line.',
      report: null,
      bytes: 0,
      ...WITHOUT_MODEL,
    };
  }
  const { verdict, sentence, bytes, chosenBytes, sizeRatio = null, output: place } = output;
  return {
    key,
    status: verdict as Verdict,
    code: null,
    sentence: String(sentence),
    report: relative(folder, `${String(fieldsOf(place ?? null)['folder'])}report.html`),
    bytes: Number(bytes),
    chosenBytes: chosenBytes === null ? null : Number(chosenBytes),
    sizeRatio: sizeRatio === null ? null : Number(sizeRatio),
    cost: null,
  };
}

/** A line of the manifest that asks for nothing: it comes back with its number, to be mended. */
function brokenRow(item: Readonly<Record<string, Json>>): Row {
  const { line = null, problem = null, text = null } = item;
  return {
    again: { line, problem, text },
    cost: null,
    item: {
      key: `(line ${String(line)})`,
      status: 'fail',
      code: BAD_ROW,
      sentence: String(problem),
      report: null,
      bytes: 0,
      ...WITHOUT_MODEL,
    },
  };
}

/** The request that the state machine makes of a line or of a listed object. */
function requestOf(
  { id, bucket, options }: Batch,
  given: Readonly<Record<string, Json>>,
): Readonly<Record<string, Json>> {
  const row = 'Key' in given ? { key: given['Key'] ?? null } : fieldsOf(given['row'] ?? null);
  return { bucket, ...(options === null ? {} : { options }), ...row, request: id };
}

/** Path from a folder to a key, both from the top of the bucket. */
export function relative(folder: string, key: string): string {
  const from = folder.split('/').slice(0, -1);
  const to = key.split('/');
  let same = 0;
  while (same < from.length && same < to.length - 1 && from[same] === to[same]) same++;
  return [...from.slice(same).map(() => '..'), ...to.slice(same)].join('/');
}
