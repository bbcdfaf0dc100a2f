/** The report of the run before, to say what changed since. */
import { readReport } from '../../report/json.ts';
import type { Report } from '../../report/report.ts';
import { isObject } from '../job/json-reader.ts';
import { outputFolder, outputStem } from '../job/request.ts';
import type { JobRecord } from '../workspace/record.ts';
import { readTextIfThere } from '../workspace/read-object.ts';
import type { Services } from '../workspace/services.ts';

/** Beside the folders of a model's jobs; names the newest that was not a failure. */
export const latestKey = ({ input }: JobRecord): string => `${outputStem(input.key)}/latest.json`;

/** Whoever chose the folder knows where to look. */
export const isOwnFolder = ({ id, input, output }: JobRecord): boolean => output.folder === outputFolder(input.key, id);

/** Of the job that `latest.json` names, else what lies where this job's report will; null: there is none of ours. */
export async function earlierReport(job: JobRecord, services: Services): Promise<Report | null> {
  const text = await (services.earlierReport?.() ?? storedReport(job, services));
  const report = text === null ? null : readReport(text);
  // The report stage may run twice, and a job may have been overtaken by one that began later.
  return report && report.job.created < job.created ? report : null;
}

async function storedReport(job: JobRecord, { store }: Services): Promise<string | null> {
  const { bucket, folder } = job.output;
  const key = isOwnFolder(job) ? await latestReport(job, { store }) : `${folder}report.json`;
  return key === null ? null : readTextIfThere(store, { bucket, key });
}

async function latestReport(job: JobRecord, { store }: Pick<Services, 'store'>): Promise<string | null> {
  const text = await readTextIfThere(store, { bucket: job.output.bucket, key: latestKey(job) });
  const latest: unknown = text === null ? null : JSON.parse(text);
  return isObject(latest) && typeof latest['report'] === 'string' ? latest['report'] : null;
}
