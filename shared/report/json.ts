/** report.json: the report in a stable key order, with the numbers JSON cannot write kept as strings. */
import { type Report, REPORT_VERSION } from './report.ts';

// Readers open the file: the verdict stands above the long lists. Below the top level keys are alphabetical.
const TOP: readonly string[] = [
  'reportVersion',
  'torchferry',
  'verdict',
  'chosen',
  'criterion',
  'job',
  'model',
  'failure',
  'changes',
  'warnings',
  'conversion',
  'variants',
  'stages',
  'cost',
  'environment',
  'reproduce',
] satisfies readonly (keyof Report)[];

const rank = (key: string): number => (TOP.includes(key) ? TOP.indexOf(key) : TOP.length);
const alphabetical = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const topFirst = (a: string, b: string): number => rank(a) - rank(b) || alphabetical(a, b);

type Order = (a: string, b: string) => number;

function plain(value: unknown, order: Order): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => plain(item === undefined ? null : item, alphabetical));
  const keys = Object.keys(value).sort(order);
  return Object.fromEntries(keys.map((key) => [key, plain((value as Record<string, unknown>)[key], alphabetical)]));
}

const write = (value: unknown, order: Order): string => `${JSON.stringify(plain(value, order), null, 2)}\n`;

/**
 * The text of report.json. JSON has no NaN and no infinities and JSON.stringify would turn them into null, which here
 * means
 * "not measured": they are written as the strings "NaN", "Infinity" and "-Infinity"; 64-bit integers as decimal
 * strings.
 */
export const renderJson = (report: Report): string => write(report, topFirst);

/** Any part of a report (a stage's result) by the same rules, keys alphabetical. */
export const writeJson = (value: unknown): string => write(value, alphabetical);

// The fields of the report that are measured: only here may "NaN" be a number. A tensor called "NaN" stays a name.
const MEASURED: ReadonlySet<string> = new Set([
  'maxAbsDiff',
  'meanAbsDiff',
  'meanSquaredDiff',
  'measured',
  'drop',
  'cosine',
  'sqnr',
  'top1Agreement',
  'top1',
  'medianMs',
  'fp32MedianMs',
  'ratioToFp32',
  'sizeRatio',
  'before',
  'after',
  'rtol',
  'atol',
  'startMs',
  'endMs',
]);
const UNWRITABLE: ReadonlyMap<unknown, number> = new Map(
  [NaN, Infinity, -Infinity].map((value) => [String(value), value]),
);

/** Reads what renderJson or writeJson wrote, with NaN and the infinities back in the measured fields. */
export const readJson = (text: string): unknown =>
  JSON.parse(text, (key, value: unknown) => (MEASURED.has(key) ? (UNWRITABLE.get(value) ?? value) : value));

/** A report of the format of this version; null: it is none. */
export function readReport(text: string): Report | null {
  let value: unknown;
  try {
    value = readJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
  const { reportVersion, variants, job } = (value ?? {}) as Partial<Report>;
  // Whoever writes this version writes the rest of it.
  return reportVersion === REPORT_VERSION && Array.isArray(variants) && job ? (value as Report) : null;
}
