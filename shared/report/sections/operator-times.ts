/** Where the time of a run goes: operators of all variants side by side, as onnxruntime's profiler saw them. */
import { exact, name, number, table, text, type Section } from '../elements.ts';
import { formatCount, formatMilliseconds, formatShare } from '../format.ts';
import type { Limits } from '../limits.ts';
import { html, shorten, type Html } from '../markup.ts';
import { machinesOf } from '../machine.ts';
import type { OperatorTime, OperatorTimes, Report } from '../report.ts';

interface Timed {
  readonly name: string;
  readonly times: OperatorTimes;
  /** Milliseconds of all operators. */
  readonly total: number;
}

/** Columns of models in the table. */
const MODELS_SHOWN = 4;

export function operatorTimes({ variants }: Report, limits: Limits): Section | null {
  const timed = variants
    .flatMap(({ name: variant, validation }): Timed[] => {
      const times = validation?.operatorTimes;
      return times ? [{ name: variant, times, total: times.operators.reduce((sum, { ms }) => sum + ms, 0) }] : [];
    })
    .slice(0, MODELS_SHOWN);
  if (!timed.length) return null;
  const share = (operator: string): number => Math.max(...timed.map((each) => shareOf(each, find(each, operator))));
  const all = [...new Set(timed.flatMap(({ times }) => times.operators.map(({ operator }) => operator)))];
  const items = all.map((operator) => ({ operator, share: share(operator) })).sort((a, b) => b.share - a.share);
  const machines = machinesOf(variants);
  const caption = html`Milliseconds of one run by operator, of the models as onnxruntime optimized them${
    machines.length ? `; ${shorten(machines.join(' / '), limits.text)}` : null
  }`;
  const rows = table(
    {
      label: 'Time by operator',
      caption,
      columns: [text('Operator'), ...timed.map((each) => number(shorten(each.name, limits.name)))],
      items,
      cells: ({ operator }) => [name(operator, limits), ...timed.map((each) => cell(each, find(each, operator)))],
    },
    limits,
  );
  return { id: 'operator-times', title: 'Time by operator', body: rows };
}

const find = ({ times }: Timed, operator: string): OperatorTime | undefined =>
  times.operators.find((each) => each.operator === operator);

const shareOf = ({ total }: Timed, time: OperatorTime | undefined): number => (time && total > 0 ? time.ms / total : 0);

const cell = (timed: Timed, time: OperatorTime | undefined): Html =>
  time
    ? html`${exact(formatMilliseconds(time.ms), `${formatCount(time.nodes)} nodes, mean of ${timed.times.runs} runs`)} \
<small>${formatShare(Number(shareOf(timed, time).toFixed(3)))}</small>`
    : html`–`;
