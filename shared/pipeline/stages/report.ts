/** Report: what was asked, what was made, what went wrong; written whatever happened. */
import { changesSince } from '../../report/changes.ts';
import { GRAPH_PAGE } from '../../report/graph/facts.ts';
import { renderGraphHtml } from '../../report/graph/graph-page.ts';
import { renderHtml } from '../../report/html.ts';
import { renderJson } from '../../report/json.ts';
import type { Report, ReportedStage } from '../../report/report.ts';
import { costOf, summaryOf } from '../cost/cost.ts';
import type { Json } from '../machine/asl.ts';
import { resolveJob } from '../job/job.ts';
import { endClaim } from '../workspace/claims.ts';
import { fieldsOf, ticketOf } from '../workspace/job-stage.ts';
import type { JobRecord, Ticket } from '../workspace/record.ts';
import { earlierReport, isOwnFolder, latestKey } from '../report/earlier-report.ts';
import { keptGraph } from '../workspace/kept-graph.ts';
import { buildReport, minimalReport } from '../report/build-report.ts';
import { figuresOf } from '../report/figures.ts';
import type { CaughtFailure, VariantOutcome } from '../report/job-facts.ts';
import { type JobBuckets, locate } from '../job/request.ts';
import { readTextIfThere } from '../workspace/read-object.ts';
import { failedVariants } from '../report/failures.ts';
import type { RunStage, Services } from '../workspace/services.ts';
import { modelTags, reportTags } from '../workspace/tags.ts';
import { Workspace, writeRecord } from '../workspace/workspace.ts';

const REPORT_FILE = 'report.json';

export const run: RunStage = async (input, services) => {
  const started = services.now();
  const given = fieldsOf(input);
  // Made by the state machine's own Catch and Map.
  const failure = (given['failure'] ?? null) as unknown as CaughtFailure | null;
  const variants = (given['variants'] ?? []) as unknown as readonly VariantOutcome[];
  const ticket = given['job'] ? ticketOf(given['job']) : await ticketOfRefused(given, services);
  const workspace = await Workspace.open(ticket, services);
  try {
    const told = await reportOf(workspace, { failure, variants, now: services.now() }, services);
    const graph = told.failure ? null : await keptGraph(workspace);
    const toWrite = WRITTEN + (graph ? 1 : 0) + modelTags(workspace.job, told).length;
    const report = withCost(told, { started, toWrite }, services);
    const tags = reportTags(workspace.job, report);
    const pages = graph ? [await workspace.storeText(GRAPH_PAGE, renderGraphHtml(graph, report), tags)] : [];
    pages.push(await workspace.storeText('report.html', renderHtml(report, graph), tags));
    await Promise.all(modelTags(workspace.job, report).map(([key, known]) => workspace.tag(key, known)));
    // Last: whoever sees report.json finds everything it names.
    const json = await workspace.storeText(REPORT_FILE, renderJson(report), tags);
    if (report.verdict.status !== 'fail' && isOwnFolder(workspace.job))
      await pointToLatest(workspace, report, services);
    // A job that failed is ended by Release, after everybody has heard of it.
    if (report.verdict.status !== 'fail' && ticket.claim !== null)
      await endClaim(
        services.store,
        { work: ticket.work, key: ticket.claim },
        { status: 'completed', ended: new Date(services.now()).toISOString(), code: null, message: null },
      );
    return outputOf(
      workspace.job,
      report,
      [...pages, json].map(({ name }) => name),
    );
  } finally {
    await workspace.close();
  }
};

async function reportOf(
  workspace: Workspace,
  request: Parameters<typeof buildReport>[1],
  services: Services,
): Promise<Report> {
  if (!request.failure) return withChanges(await buildReport(workspace, request), workspace, services);
  try {
    return await buildReport(workspace, request);
  } catch (cause) {
    // The failure to be told may be that the facts cannot be read.
    services.log('the report has nothing but the failure', { cause: String(cause) });
    return minimalReport(workspace.job, request.failure);
  }
}

async function withChanges(report: Report, { job }: Workspace, services: Services): Promise<Report> {
  const before = await earlierReport(job, services);
  const changes = before && changesSince(before, report);
  return changes ? { ...report, changes } : report;
}

/** The report twice, `latest.json` and the end of the claim. */
const WRITTEN = 4;

/** With the time of this stage up to now and the requests that are still to come; where nothing is known of the stages, neither is the cost. */
function withCost(
  report: Report,
  { started, toWrite }: { readonly started: number; readonly toWrite: number },
  { now, billed }: Services,
): Report {
  if (!report.stages.length) return report;
  const created = Date.parse(report.job.created);
  const known = billed?.();
  const own: ReportedStage = {
    name: 'report',
    variant: null,
    startMs: started - created,
    endMs: now() - created,
    status: 'done',
    ...(known ? { billed: { ...known, s3Writes: known.s3Writes + toWrite } } : {}),
  };
  const path = { stages: [...report.stages, own], verdict: report.verdict.status };
  return { ...report, cost: costOf({ ...path, failedIn: report.failure?.stage ?? null }) };
}

/** A claim that failed left no record, or none that says more than the request: report under what the request says. */
async function ticketOfRefused(given: Readonly<Record<string, Json>>, services: Services): Promise<Ticket> {
  const { output, work } = given['buckets'] as unknown as JobBuckets;
  const record = await recordOfRefused(given['request'] ?? null, output, services);
  await writeRecord(services, work, record);
  return { id: record.id, work, claim: null };
}

async function recordOfRefused(request: Json, output: string, { store, now }: Services): Promise<JobRecord> {
  const { id, bucket, key, version, bytes, folder } = await locate(store, request);
  return {
    // No option had an effect, so none is reported.
    ...resolveJob('job', {}),
    reported: [],
    variants: [],
    config: null,
    format: null,
    id,
    created: new Date(now()).toISOString(),
    input: { bucket, key, version, bytes },
    output: { bucket: output, folder },
  };
}

/** `latest.json` beside the folders of a model's jobs names the newest that was not a failure. */
async function pointToLatest({ job }: Workspace, report: Report, { store }: Services): Promise<void> {
  const { bucket, folder } = job.output;
  const key = latestKey(job);
  const latest = {
    job: job.id,
    created: job.created,
    version: job.input.version,
    folder,
    verdict: report.verdict.status,
    chosen: report.chosen,
    report: folder + REPORT_FILE,
    cost: report.cost ? summaryOf(report.cost) : null,
  };
  const before = await readTextIfThere(store, { bucket, key });
  if (before !== null) {
    const { created } = JSON.parse(before) as { created?: string };
    if (created !== undefined && created > job.created) return;
  }
  await store.putBytes({
    bucket,
    key,
    bytes: Buffer.from(`${JSON.stringify(latest, null, 2)}\n`),
    contentType: 'application/json',
  });
}

// Of JSON; the whole sentence is in the report.
const MAX_TEXT_BYTES = 540;

function clipped(text: string): string {
  let end = Math.min(text.length, MAX_TEXT_BYTES);
  while (Buffer.byteLength(JSON.stringify(text.slice(0, end))) > MAX_TEXT_BYTES) end = Math.floor(end * 0.9);
  return text.slice(0, end).toWellFormed();
}

/** Small: names in the folder, not keys, but for the report's. */
function outputOf({ id, input, output }: JobRecord, report: Report, reports: readonly string[]): Json {
  const { status, sentence } = report.verdict;
  const failed = report.failure ?? report.variants.find((variant) => variant.failure)?.failure;
  const chosen = report.variants.find((variant) => variant.name === report.chosen);
  const names = report.variants
    .flatMap((variant) => variant.files)
    .flatMap(({ path }) => (path.startsWith(output.folder) ? [path.slice(output.folder.length)] : []));
  return {
    job: id,
    verdict: status,
    sentence: clipped(sentence),
    chosen: report.chosen,
    bytes: input.bytes,
    chosenBytes: chosen?.bytes ?? null,
    ...figuresOf(report),
    cost: report.cost ? { ...summaryOf(report.cost) } : null,
    output: { ...output },
    report: output.folder + REPORT_FILE,
    files: [...new Set([...names, ...reports])],
    failed: failedVariants(report).map((each) => ({ ...each, message: clipped(each.message) })),
    ...(status === 'fail'
      ? {
          error: failed?.code ?? 'ValidationFailed',
          message: clipped(failed?.message ?? sentence),
          stage: failed?.stage ?? 'validate',
        }
      : {}),
  };
}
