/** What a command does with the reports it made: an index over them, JUnit XML, limits to meet, opening one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative, sep } from 'node:path';
import type { Criterion } from '../shared/choices.ts';
import { asFailure, isFailure } from '../shared/errors.ts';
import type { BatchItem } from '../shared/report/batch.ts';
import { readJson } from '../shared/report/json.ts';
import { failedSuite, junitXml, type JUnitSuite, suiteOf } from '../shared/report/junit.ts';
import type { Report } from '../shared/report/report.ts';
import type { Option } from './command.ts';
import { missedIn } from './criterion-options.ts';
import type { FileOutcome } from './outcomes.ts';

export const JUNIT: Option = { type: 'string', value: 'FILE', describe: 'write the results as JUnit XML, for CI' };

/** How a model came out. */
export interface Finished {
  /** As it was given. */
  readonly file: string;
  /** Path of its report.html; null: none was written. */
  readonly report: string | null;
  readonly error: FileOutcome['error'] | null;
  /** Variants that were asked for and did not come out. */
  readonly failed: readonly string[];
}

/** The report.json beside a report.html. */
const reportAt = (page: string): Report => readJson(readFileSync(page.replace(/\.html$/, '.json'), 'utf8')) as Report;

/** What a report misses of a criterion, as the failure of its model; null: nothing. */
export function missedBy(file: string, page: string, criterion: Criterion): NonNullable<FileOutcome['error']> | null {
  const missed = missedIn(reportAt(page), criterion);
  return missed.length ? { code: 'CriterionMissed', message: `"${file}" was made, but ${missed.join('; ')}` } : null;
}

/** Keeps how the work on a file ended, whether it returned or threw. */
export async function noted(
  file: string,
  finished: Finished[],
  work: () => Promise<FileOutcome & Omit<Finished, 'file' | 'error'>>,
): Promise<FileOutcome> {
  try {
    const { report, failed, ...outcome } = await work();
    finished.push({ file, report, failed, error: outcome.error ?? null });
    return outcome;
  } catch (thrown) {
    const error = asFailure(thrown);
    if (isFailure(error)) {
      const { code, message } = error;
      finished.push({ file, report: null, failed: [], error: { code, message } });
    }
    throw thrown;
  }
}

/** A line of the index in `folder`. */
export function itemOf({ file, report, error }: Finished, folder: string): BatchItem {
  const known = report === null ? null : reportAt(report);
  const chosen = known?.variants.find(({ name }) => name === known.chosen);
  return {
    key: file,
    status: error ? 'fail' : (known?.verdict.status ?? 'pass'),
    code: error?.code ?? null,
    sentence: error?.message ?? known?.verdict.sentence ?? '',
    report: report === null ? null : relative(folder, report).split(sep).join('/'),
    bytes: known?.model.bytes ?? 0,
    chosenBytes: chosen?.bytes ?? null,
    sizeRatio: chosen?.sizeRatio ?? null,
    cost: known?.cost?.usd ?? null,
  };
}

/** JUnit XML of what finished. */
export function writeJunit(path: string, finished: readonly Finished[], criterion: Criterion | null): void {
  const suites = finished.map(({ file, report, error, failed }): JUnitSuite => {
    if (report === null)
      return failedSuite(file, error?.message ?? 'it has no report', { code: error?.code ?? 'Error' });
    return { ...suiteOf(reportAt(report), { criterion: criterion ?? {}, failed }), name: file };
  });
  writeFileSync(path, junitXml(suites));
}

/** Models of a batch, as its report lists them. */
export function finishedIn(batchReport: string): readonly Finished[] {
  const { items } = JSON.parse(readFileSync(batchReport.replace(/html$/, 'json'), 'utf8')) as {
    readonly items: readonly BatchItem[];
  };
  return items.map(({ key, status, code, sentence, report }) => {
    const page = report === null ? null : `${dirname(batchReport)}/${report}`;
    return {
      file: key,
      report: page,
      error: status === 'fail' ? { code: code ?? 'Error', message: sentence } : null,
      // Read when it is asked for: a batch may have very many reports.
      get failed() {
        const isMade = status !== 'fail' && page !== null;
        const failed = isMade ? reportAt(page).variants.filter(({ failure }) => failure) : [];
        return failed.map(({ name }) => name);
      },
    };
  });
}
