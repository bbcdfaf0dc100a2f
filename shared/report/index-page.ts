/** The page over the reports of several models: failures first, each line a link to its report. */
import { type BatchFrame, type BatchItem, batchItemJson, batchJson, renderBatchHtml, summarize } from './batch.ts';

export const INDEX = { page: 'index.html', data: 'index.json' } as const;

const RANK = { fail: 0, warn: 1, pass: 2 } as const satisfies Record<BatchItem['status'], number>;

/** Name and text of each file. Reports of the items are relative to the folder where these will lie. */
export function indexFiles(frame: BatchFrame, items: readonly BatchItem[]): readonly (readonly [string, string])[] {
  const sorted = items.toSorted((a, b) => RANK[a.status] - RANK[b.status]);
  const summary = summarize(sorted);
  const { head, tail } = batchJson(frame, summary);
  return [
    [INDEX.data, `${head}${sorted.map(batchItemJson).join(',\n')}${tail}`],
    [INDEX.page, renderBatchHtml(frame, summary, INDEX.data)],
  ];
}
