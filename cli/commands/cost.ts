/** `torchferry cost`: what many models would cost on AWS, from the reports of some. */
import { fail } from '../../shared/errors.ts';
import { MOST_ITEMS_AT_A_TIME } from '../../shared/pipeline/machine/asl.ts';
import { SETTINGS } from '../../shared/pipeline/job/batch-settings.ts';
import {
  COLD_SECONDS,
  LONGEST_BATCH_SECONDS,
  project,
  type Projection,
  TRANSITIONS_A_SECOND,
} from '../../shared/pipeline/cost/projection.ts';
import type { Architecture } from '../../shared/report/cost.ts';
import { formatCount, formatDollars, formatDuration, formatNumber } from '../../shared/report/format.ts';
import type { Command, OptionValues } from '../command.ts';
import { measuredIn } from '../measured.ts';
import { choice, names, wholeNumber } from '../values.ts';

const MODELS = [1000, 100_000, 1_000_000];
const ARCHITECTURES: readonly Architecture[] = ['arm64', 'x86_64'];
const DEFAULT_CONCURRENCY = Number(SETTINGS['maxConcurrency']!.fallback);

export const cost: Command = {
  usage: 'torchferry cost <report.json|batch-report.json|folder>... [--models N,N] [--concurrency N] [--json]',
  options: {
    models: { type: 'string', value: 'N,N', describe: `how many; default: ${MODELS.join(',')}` },
    concurrency: {
      type: 'string',
      value: 'N',
      describe: `models at a time, maxConcurrency of the batch; default: ${DEFAULT_CONCURRENCY}`,
    },
    architecture: { type: 'string', value: 'NAME', describe: 'arm64 or x86_64; default: that of the reports' },
  },
  run({ files, options }) {
    const measured = measuredIn(files);
    const { used } = measured;
    const architecture = choice(options, 'architecture', { among: ARCHITECTURES, fallback: used.architecture });
    const concurrency = wholeNumber(options, 'concurrency') ?? DEFAULT_CONCURRENCY;
    if (concurrency < 1 || concurrency > MOST_ITEMS_AT_A_TIME)
      fail('BadOption', {
        option: '--concurrency',
        value: String(concurrency),
        expected: `a whole number from 1 to ${MOST_ITEMS_AT_A_TIME}`,
      });
    const projections = countsIn(options).map((count) => project(measured, count, { concurrency, architecture }));
    const assumptions = assumptionsOf(projections, concurrency);
    const { models, reports } = measured;
    const where = used.basis === 'aws' ? 'on AWS' : 'on a machine of your own';
    const per = (total: number): number => total / models;
    const text = [
      `Measured ${where}: ${counted(models, 'model')} in ${counted(reports, 'report')}; each ` +
        `${formatNumber(per(used.gbSeconds))} GB-s, ${formatNumber(per(used.transitions))} transitions, ` +
        `${formatDuration(per(used.seconds))}`,
      ...table(projections),
      'Assumed:',
      ...assumptions.map((each) => `  ${each}`),
    ];
    const facts = { measured: { models, reports, ...used }, concurrency, architecture, projections, assumptions };
    return Promise.resolve({ text: text.join('\n'), facts });
  },
};

const counted = (n: number, what: string): string => `${formatCount(n)} ${what}${n === 1 ? '' : 's'}`;

const countsIn = (options: OptionValues): readonly number[] =>
  names(options, 'models')?.map((name) =>
    /^[1-9]\d{0,11}$/.test(name)
      ? Number(name)
      : fail('BadOption', { option: '--models', value: name, expected: 'whole numbers, with commas between them' }),
  ) ?? MODELS;

function table(projections: readonly Projection[]): string[] {
  const rows = [
    ['models', 'cost', 'GB-seconds', 'transitions', 'time'],
    ...projections.map(({ models, cost: { usd, gbSeconds, transitions }, seconds }) => [
      formatCount(models),
      formatDollars(usd),
      formatCount(Math.round(gbSeconds)),
      formatCount(Math.round(transitions)),
      formatDuration(seconds),
    ]),
  ];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) => `  ${row.map((cell, i) => cell.padStart(widths[i]!)).join('   ')}`);
}

function assumptionsOf(projections: readonly Projection[], concurrency: number): string[] {
  const [{ cost: first }] = projections as [Projection, ...Projection[]];
  const { basis, architecture, prices, notCounted } = first;
  const throttled = projections.filter(({ limitedBy }) => limitedBy === 'transitions').map(({ models }) => models);
  const tooLong = projections.filter(({ isTooLong }) => isTooLong).map(({ models }) => models);
  const list = (counts: readonly number[]): string => counts.map(formatCount).join(' and ');
  return [
    'every model takes as much as the mean of those that were measured',
    `list prices of ${prices.region} of ${prices.asOf}, ${architecture}, their first step; other regions differ`,
    `${formatCount(concurrency)} models at a time (maxConcurrency of the batch; a Distributed Map has at most ` +
      `${formatCount(MOST_ITEMS_AT_A_TIME)}), for which Lambda must allow as many functions for every variant ` +
      '(1,000 unless raised)',
    `${formatCount(TRANSITIONS_A_SECOND)} transitions a second (new accounts and some regions have less)` +
      (throttled.length ? `: they, and not the models at a time, decide how long ${list(throttled)} models take` : ''),
    basis === 'aws'
      ? 'cold starts as often as in what was measured'
      : `each function starts once for each of the models at a time, in ${COLD_SECONDS} s; functions are as fast as ` +
        'your machine',
    `not counted: ${notCounted.filter((each) => basis === 'aws' || each !== 'cold starts').join('; ')}`,
    ...(tooLong.length
      ? [
          `${list(tooLong)} models take longer than a batch may (${formatDuration(LONGEST_BATCH_SECONDS)}): ` +
            'raise --concurrency, or divide the list',
        ]
      : []),
  ];
}
