/** Writes the page over the reports of a folder, beside them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BATCH_REPORT_VERSION, type BatchItem } from '../shared/report/batch.ts';
import type { BatchCost } from '../shared/report/cost.ts';
import { INDEX, indexFiles } from '../shared/report/index-page.ts';
import { VERSION } from '../shared/version.ts';

export interface Indexed {
  /** Of the batch; empty where there is none. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly cost?: BatchCost | null;
}

/** Returns the path of the page. Reports of the items are paths below the folder, with slashes. */
export async function writeIndex(
  folder: string,
  items: readonly BatchItem[],
  { id, now, cost = null }: Indexed,
): Promise<string> {
  const created = new Date(now).toISOString();
  await mkdir(folder, { recursive: true });
  const frame = {
    batchReportVersion: BATCH_REPORT_VERSION,
    torchferry: VERSION,
    id,
    created,
    ...(cost ? { cost } : {}),
  } as const;
  for (const [name, text] of indexFiles(frame, items)) await writeFile(join(folder, name), text);
  return join(folder, INDEX.page);
}
