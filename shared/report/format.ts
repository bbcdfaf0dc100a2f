/** Numbers for people: three significant digits and a unit. Exact values stay in report.json and in tooltips. */

const MISSING = '–';

const special = (value: number): string | null =>
  Number.isNaN(value) ? 'NaN' : value === Infinity ? '∞' : value === -Infinity ? '−∞' : value === 0 ? '0' : null;

/** 94.7, 0.00123, 3.1e-6, 12,346. */
export function formatNumber(value: number | null): string {
  if (value === null) return MISSING;
  const known = special(value);
  if (known !== null) return known;
  const rounded = Number(value.toPrecision(3));
  const size = Math.abs(rounded);
  if (size < 1e-3 || size >= 1e7) return formatShort(rounded);
  if (size >= 1000) return formatCount(Math.round(value));
  return rounded.toPrecision(3).replace('-', '−');
}

/** A setting, as written: 1e-4, 0.5, 15. */
export function formatShort(value: number): string {
  const known = special(value);
  if (known !== null) return known;
  const size = Math.abs(value);
  const text = size < 1e-3 || size >= 1e7 ? value.toExponential().replace('e+', 'e') : String(value);
  return text.replace(/^-/, '−');
}

/** 25,557,032. */
export function formatCount(value: number): string {
  const known = special(value);
  if (known !== null) return known;
  return String(value)
    .replace(/^-/, '−')
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 1 node, 2,000 nodes. */
export const formatCounted = (n: number, what: string): string => `${formatCount(n)} ${what}${n === 1 ? '' : 's'}`;

interface Unit {
  readonly from: number;
  readonly per: number;
  readonly name: string;
}

// `from` is where three rounded digits of the unit below would reach 1000.
const BYTES: readonly Unit[] = [
  { from: 999.5e9, per: 1e12, name: 'TB' },
  { from: 999.5e6, per: 1e9, name: 'GB' },
  { from: 999.5e3, per: 1e6, name: 'MB' },
  { from: 1000, per: 1e3, name: 'kB' },
];

/** Decimal units, as disks and S3 bills count: 57.4 MB. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return MISSING;
  const unit = BYTES.find((u) => bytes >= u.from);
  return unit ? `${formatNumber(bytes / unit.per)} ${unit.name}` : `${formatCount(bytes)} B`;
}

/** 4.12 ms, 1.23 s, 2 min 5 s. */
export function formatMilliseconds(ms: number | null): string {
  if (ms === null) return MISSING;
  const seconds = ms / 1000;
  if (!Number.isFinite(ms) || seconds < 0.9995) return `${formatNumber(ms)} ms`;
  if (seconds < 59.95) return `${formatNumber(seconds)} s`;
  const whole = Math.round(seconds);
  return `${formatCount(Math.floor(whole / 60))} min ${whole % 60} s`;
}

const SPANS = [
  { seconds: 86_400, name: 'd' },
  { seconds: 3600, name: 'h' },
  { seconds: 60, name: 'min' },
] as const;

/** From a run to a week, in two units: 4.12 s, 2 min 5 s, 1 h 30 min, 5 d 19 h. */
export function formatDuration(seconds: number): string {
  const at = SPANS.findIndex((span) => Math.round(seconds) >= span.seconds);
  if (at < 0) return `${formatNumber(seconds)} s`;
  const [large, small] = [SPANS[at]!, SPANS[at + 1] ?? { seconds: 1, name: 's' }];
  const whole = Math.round(seconds / small.seconds);
  const per = large.seconds / small.seconds;
  return `${formatCount(Math.floor(whole / per))} ${large.name} ${whole % per} ${small.name}`;
}

/** A share as per cent: 94.7 %. What is not all never prints as 100 %, nor what is not nothing as 0 %. */
export function formatShare(share: number | null): string {
  if (share === null) return MISSING;
  const known = special(share);
  if (known !== null) return known === '0' ? '0 %' : known;
  if (share === 1) return '100 %';
  const digits =
    [1, 2, 3, 4, 5, 6].find((d) => !['0', '100', '-0'].includes(String(Number((share * 100).toFixed(d))))) ?? 7;
  return `${(share * 100).toFixed(digits).replace('-', '−')} %`;
}

/** 31.2 dB. */
export const formatDecibels = (value: number | null): string =>
  value === null ? MISSING : `${formatNumber(value)} dB`;

/** US dollars: $0.0012, $0.35, $1,234. */
export function formatDollars(usd: number): string {
  const rounded = Number(usd.toPrecision(2));
  const digits = usd >= 100 ? 0 : rounded >= 0.1 || usd <= 0 ? 2 : Math.min(1 - Math.floor(Math.log10(rounded)), 9);
  const [whole, rest] = usd.toFixed(digits).split('.');
  return `$${formatCount(Number(whole))}${rest === undefined ? '' : `.${rest}`}`;
}

/** How two sizes compare: "3.6x smaller", "1.2x larger", "the same size". */
export function formatSizeChange(before: number, after: number): string {
  if (before === after || before <= 0 || after <= 0) return before === after ? 'the same size' : 'of another size';
  const ratio = after < before ? before / after : after / before;
  const word = after < before ? 'smaller' : 'larger';
  return `${ratio < 9.95 ? ratio.toFixed(ratio < 1.1 ? 2 : 1) : formatNumber(ratio)}x ${word}`;
}

/** How two times compare: "2.63x faster", "1.17x slower", "as fast" within two per cent. */
export function formatSpeedChange(before: number, after: number): string {
  if (!(before > 0) || !(after > 0)) return 'of unknown speed';
  const ratio = Math.max(before, after) / Math.min(before, after);
  if (ratio < 1.02) return 'as fast';
  return `${formatNumber(ratio)}x ${after < before ? 'faster' : 'slower'}`;
}

/** Any value on one line, for options and failure details: lists with commas, the rest as JSON. */
export function formatValue(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return formatShort(value);
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object'))
    return value.map(formatValue).join(', ') || 'none';
  return (
    JSON.stringify(value, (_key, v: unknown) =>
      typeof v === 'bigint' || (typeof v === 'number' && !Number.isFinite(v)) ? String(v) : v,
    ) ?? String(value)
  );
}

/** 2026-01-15 09:30 UTC; a time written otherwise stays as it is. */
export const formatTime = (time: string): string =>
  time.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d)?(?:\.\d+)?Z$/, '$1 $2 UTC');
