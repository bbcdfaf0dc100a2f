/** `torchferry batch`: many models through the pipeline, with one report that lists failures first. */
import { readFileSync } from 'node:fs';
import { runLocalBatch } from '../../local/many.ts';
import { fail } from '../../shared/errors.ts';
import type { BatchItem } from '../../shared/report/batch.ts';
import type { Command } from '../command.ts';
import { readJobFile } from '../job-options.ts';
import { thisProcessor } from '../this-processor.ts';
import { text } from '../values.ts';

export const batch: Command = {
  summary: 'run the pipeline over a folder of models or a manifest, with one report',
  usage: 'torchferry batch <folder|list.jsonl> [-o DIR] [--job FILE] [--json]',
  options: {
    output: { type: 'string', short: 'o', value: 'DIR', describe: 'folder of the results; default: torchferry-out' },
    job: { type: 'string', value: 'FILE', describe: 'a job file for every model' },
  },
  async run({ files, options, progress, signal }) {
    const [models, ...more] = files;
    if (models === undefined || more.length)
      return fail('WrongUsage', {
        problem: `${files.length} files were given`,
        hint: 'give one folder or one manifest',
      });
    const { counts, report, failedManifest, failure } = await runLocalBatch({
      models,
      outDir: text(options, 'output') ?? 'torchferry-out',
      options: await readJobFile(text(options, 'job')),
      processor: thisProcessor(),
      signal,
      onEvent: (event) => {
        if (event.kind === 'event') progress.note(`${event.type}: ${keyOf(event.detail)}`);
      },
    });
    const { models: all, pass, warn, fail: failed } = counts;
    const summary = `${all} models: ${pass} passed, ${warn} with a warning, ${failed} failed`;
    const error = failure ?? (failed ? { code: firstCode(report), message: `${summary}; see ${report}` } : null);
    return {
      text: `${summary}\n  ${report}`,
      facts: { counts, report, failedManifest, ...(error ? { error } : {}) },
      ...(error ? { error } : {}),
    };
  },
};

/** Of the first model that failed. */
function firstCode(report: string): string {
  const { items } = JSON.parse(readFileSync(report.replace(/html$/, 'json'), 'utf8')) as {
    readonly items: readonly BatchItem[];
  };
  return items.find(({ status }) => status === 'fail')?.code ?? 'Error';
}

/** Of a message of the state machine, which is ours. */
const keyOf = (detail: unknown): string => {
  const { key, source } = detail as { key?: unknown; source?: { key?: unknown } };
  return String(key ?? source?.key ?? '');
};
