/** Batch report: every model of a batch with how it ended, and a manifest of those that have to be run again. */
import {
  type BatchItem,
  BATCH_REPORT_VERSION,
  countItems,
  renderBatchHtml,
  renderBatchJson,
} from '../../report/batch.ts';
import type { Verdict } from '../../report/report.ts';
import { isFailure } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import type { Json } from '../machine/asl.ts';
import { BAD_ROW } from '../machine/batch-machine.ts';
import { fieldsOf } from '../workspace/job-stage.ts';
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
}

export const run: RunStage = async (input, services) => {
  const given = fieldsOf(input);
  const batch = given['batch'] as unknown as Batch;
  const { work, output } = given['buckets'] as unknown as JobBuckets;
  const named = [batch.manifest, batch.prefix].find((name) => typeof name === 'string') ?? '';
  const folder = `${outputStem(named) || 'batch'}/${batch.id}/`;
  const rows: Row[] = [];
  for (const result of await readMapResults(services.store, work, batch.id)) {
    if (fieldsOf(result.output)['skipped'] !== true)
      rows.push(await rowOf(result, { batch, folder, output }, services));
  }
  const items = rows.map((row) => row.item);
  const report = {
    batchReportVersion: BATCH_REPORT_VERSION,
    torchferry: VERSION,
    id: batch.id,
    created: new Date(services.now()).toISOString(),
    items,
  } as const;
  const failed = rows.filter(({ item }) => item.status === 'fail').map(({ again }) => `${JSON.stringify(again)}\n`);
  const put = (name: string, text: string, contentType: string): Promise<unknown> =>
    services.store.putBytes({ bucket: output, key: folder + name, bytes: Buffer.from(text), contentType });
  await put('failed.jsonl', failed.join(''), 'application/jsonl');
  await put('batch-report.html', renderBatchHtml(report), 'text/html; charset=utf-8');
  await put('batch-report.json', renderBatchJson(report), 'application/json');
  return { batch: batch.id, output: { bucket: output, folder }, models: items.length, ...countItems(items).status };
};

async function rowOf(
  result: ItemResult,
  { batch, folder, output }: { readonly batch: Batch; readonly folder: string; readonly output: string },
  { store }: Services,
): Promise<Row> {
  const given = fieldsOf(fieldsOf(result.input)['item'] ?? null);
  if (typeof given['problem'] === 'string') return brokenRow(given);
  const request = requestOf(batch, given);
  const { request: _, ...again } = request;
  const { key } = request;
  const failed = { key: String(key), status: 'fail', chosenBytes: null } as const;
  if (result.status === 'PENDING') {
    return {
      again,
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
    const { report, sentence } = await reportedAt(located, result.cause, { store, folder, output });
    return { again, item: { ...failed, code: result.error || null, sentence, report, bytes: located.bytes } };
  }
  return { again, item: succeeded(String(key), fieldsOf(result.output), folder) };
}

/** The report of a failed item, where it is: an answer that S3 gave the conversion it may not give a second time. */
async function reportedAt(
  located: Located,
  cause: string,
  { store, folder, output }: { readonly store: ObjectStore; readonly folder: string; readonly output: string },
): Promise<Pick<BatchItem, 'report' | 'sentence'>> {
  const key = `${located.folder}report.html`;
  try {
    if (await store.head(output, key)) return { report: relative(folder, key), sentence: cause };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { report: null, sentence: `${cause} (its report could not be looked up: ${error.message})` };
  }
  const why = located.problem === null || cause.includes(located.problem) ? '' : `: ${located.problem}`;
  return { report: null, sentence: `${cause} (no report was found${why})` };
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
      chosenBytes: null,
    };
  }
  const { verdict, sentence, bytes, chosenBytes, output: place } = output;
  return {
    key,
    status: verdict as Verdict,
    code: null,
    sentence: String(sentence),
    report: relative(folder, `${String(fieldsOf(place ?? null)['folder'])}report.html`),
    bytes: Number(bytes),
    chosenBytes: chosenBytes === null ? null : Number(chosenBytes),
  };
}

/** A line of the manifest that asks for nothing: it comes back with its number, to be mended. */
function brokenRow(item: Readonly<Record<string, Json>>): Row {
  const { line = null, problem = null, text = null } = item;
  return {
    again: { line, problem, text },
    item: {
      key: `(line ${String(line)})`,
      status: 'fail',
      code: BAD_ROW,
      sentence: String(problem),
      report: null,
      bytes: 0,
      chosenBytes: null,
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
