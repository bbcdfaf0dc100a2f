/** What changed since the last run: only what is another, in words that say in which direction. */
import type { Change, Changes, Measured, VariantChanges } from '../changes.ts';
import { badge, exact, facts, name, table, text, type Section } from '../elements.ts';
import {
  formatBytes,
  formatDecibels,
  formatMilliseconds,
  formatNumber,
  formatShare,
  formatSizeChange,
  formatSpeedChange,
  formatTime,
} from '../format.ts';
import { areAlike } from '../gain.ts';
import type { Limits } from '../limits.ts';
import { html, shorten, type Hole, type Html } from '../markup.ts';
import type { Report } from '../report.ts';

interface Row {
  readonly label: string;
  readonly show: (value: number) => string;
  /** How the two compare, in words; null: they are the same, or as near as measuring the same thing twice. */
  words(before: number, after: number): string | null;
}

const moved =
  (up: string, down: string) =>
  (before: number, after: number): string | null =>
    Object.is(before, after) ? null : after > before ? up : down;

const ROWS: Readonly<Record<Measured, Row>> = {
  size: {
    label: 'Size',
    show: formatBytes,
    words: (before, after) => (before === after ? null : formatSizeChange(before, after)),
  },
  latency: {
    label: 'Median latency',
    show: formatMilliseconds,
    words: (before, after) => (areAlike(before, after) ? null : formatSpeedChange(before, after)),
  },
  // Of the two times in one run: what else the machine did met both.
  latencyRatio: {
    label: 'Latency as a share of FP32',
    show: formatShare,
    words: (before, after) => (areAlike(before * 100, after * 100) ? null : formatSpeedChange(before, after)),
  },
  accuracy: { label: 'Top-1', show: formatShare, words: moved('better', 'worse') },
  agreement: { label: 'Same top-1 as FP32', show: formatShare, words: moved('more', 'less') },
  sqnr: { label: 'SQNR from FP32', show: formatDecibels, words: moved('nearer', 'further off') },
  difference: { label: 'Max diff. from PyTorch', show: formatNumber, words: moved('further off', 'nearer') },
};

interface Line {
  readonly variant: string;
  readonly label: string;
  readonly before: Hole;
  readonly after: Hole;
  readonly words: string;
}

const measuredLines = ({ variant, measured }: VariantChanges): readonly Line[] =>
  measured.flatMap(({ what, before, after }) => {
    const { label, show, words } = ROWS[what];
    const said = words(before, after);
    const shown = (value: number): Html => exact(show(value), String(value));
    return said === null ? [] : [{ variant, label, before: shown(before), after: shown(after), words: said }];
  });

const operatorLines = ({ variant, operators }: VariantChanges): readonly Line[] =>
  operators.map(({ operator, before, after }) => ({
    variant,
    label: `${operator} nodes`,
    before: String(before),
    after: String(after),
    words: after > before ? 'more' : 'fewer',
  }));

export function changes({ changes: found }: Report, limits: Limits): Section | null {
  if (!found) return null;
  const items = [...found.variants.flatMap(measuredLines), ...found.variants.flatMap(operatorLines)];
  const rows = table(
    {
      label: 'What changed',
      columns: [text('Variant'), text('What'), text('Before'), text('Now'), text('')],
      items,
      cells: ({ variant, label, before, after, words }) => [
        name(variant, limits),
        shorten(label, limits.name),
        before,
        after,
        words,
      ],
    },
    limits,
  );
  const nothing = html`<p>Sizes, accuracy, distances and operators are the same, and latency as near as two measurements are.</p>`;
  return {
    id: 'changes',
    title: 'Since the last run',
    body: html`${facts(about(found, limits))}${items.length ? rows : nothing}`,
  };
}

const MODEL = { true: 'another file', false: 'the same file' } as const;

const about = (found: Changes, limits: Limits): readonly (readonly [string, Hole])[] => [
  ['Last run', shorten(formatTime(found.since.created), limits.name)],
  ['Model', found.otherModel === null ? null : MODEL[`${found.otherModel}`]],
  ['Verdict', pair(found.verdict, (verdict) => verdict)],
  ['Chosen', pair(found.chosen, (chosen) => (chosen === null ? 'none' : shorten(chosen, limits.name)))],
  ...found.versions.map((each) => [each.of, pair(each, (version) => shorten(version, limits.name))] as const),
  ['Other options', found.options.length ? names(found.options, limits) : null],
  ['New variants', found.added.length ? names(found.added, limits) : null],
  ['No longer made', found.removed.length ? names(found.removed, limits) : null],
  ['Machine', found.otherMachine ? badge('another one: latencies cannot be compared') : null],
];

const names = (all: readonly string[], limits: Limits): Hole =>
  all.slice(0, limits.rows).map((each, i) => [i ? ', ' : null, name(each, limits)]);

/** null where nothing changed. */
const pair = <T>({ before, after }: Change<T>, show: (value: T) => string): string | null =>
  before === after ? null : `${show(before)}, now ${show(after)}`;
