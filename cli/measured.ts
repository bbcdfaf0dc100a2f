/** What reports say that conversions used: of one model, of a batch, or all in a folder. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../shared/errors.ts';
import { sumOf } from '../shared/pipeline/cost/batch-cost.ts';
import type { Measured } from '../shared/pipeline/cost/projection.ts';
import { transitionsOfItem } from '../shared/pipeline/cost/transitions.ts';
import type { BatchCost, Cost } from '../shared/report/cost.ts';
import { readJson } from '../shared/report/json.ts';

const REPORTS = ['report.json', 'batch-report.json'] as const;

/** A folder with the report of a batch counts once, not for each of its models again. */
export function measuredIn(given: readonly string[]): Measured & { readonly reports: number } {
  if (!given.length)
    fail('WrongUsage', { problem: 'no report was given', hint: 'name report.json, batch-report.json or a folder' });
  const files = given.flatMap(reportsAt);
  const all = files.map(measuredBy);
  const [first, ...others] = all.map(({ used }) => used);
  return {
    reports: files.length,
    models: all.reduce((sum, { models }) => sum + models, 0),
    used: others.reduce(sumOf, first!),
  };
}

function reportsAt(path: string): readonly string[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return fail('FileNotFound', { file: path });
  if (!stats.isDirectory()) return [path.replace(/\.html$/, '.json')];
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  const called = (name: string) => names.filter((each) => each.split(/[\\/]/).at(-1) === name).sort();
  const [models, batches] = REPORTS.map(called);
  const found = batches!.length ? batches! : models!;
  return found.length ? found.map((name) => join(path, name)) : fail('FileNotFound', { file: join(path, REPORTS[0]) });
}

function measuredBy(file: string): Measured {
  const { cost } = contentOf(file);
  if (!cost)
    return fail('UnsupportedFormat', {
      file,
      found: 'no report that says what its conversion cost',
      hint: 'give the report.json or batch-report.json of a run with this version',
    });
  if ('models' in cost) return { models: cost.models, used: cost };
  // As an item of a batch it has some more.
  return { models: 1, used: { ...cost, transitions: cost.transitions + transitionsOfItem() } };
}

function contentOf(file: string): { readonly cost?: Cost | BatchCost | null } {
  try {
    return (readJson(readFileSync(file, 'utf8')) ?? {}) as { readonly cost?: Cost | BatchCost | null };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {};
  }
}
