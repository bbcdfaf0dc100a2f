/** From measured time and configured memory to money. */
import type { Architecture, Cost, CostPart, CostSummary, Usage } from '../../report/cost.ts';
import type { ReportedStage } from '../../report/report.ts';
import type { Stage } from '../machine/stage.ts';
import { STAGES } from '../machine/stages.ts';
import { FREE_STORAGE_MB, PRICE_LIST, PRICES } from './prices.ts';
import { type JobPath, transitionsOf } from './transitions.ts';

/** What a deployment runs on unless it chooses another; who runs on AWS knows better. */
const DEFAULT_ARCHITECTURE: Architecture = 'arm64';

const NOT_COUNTED = [
  'the free tier',
  'storage of models and results',
  'logs, metrics and traces',
  'retries, earlier attempts, and what follows the writing of the report',
] as const;
const NOT_COUNTED_LOCALLY = ['S3 requests', 'cold starts'] as const;

const USED = Object.keys(PRICES) as readonly (keyof Usage)[];

// Lambda counts memory in binary and money in GB.
export const MB_OF_GB = 1024;

/** What a job used. `stages`: all that ran, the report too. */
export function usageOf(path: JobPath): Usage {
  const billed = path.stages.flatMap((stage) => stage.billed ?? []);
  // A function that was killed left no word: it had as much memory as the largest that did.
  const most = Math.max(0, ...billed.map(({ memoryMb }) => memoryMb));
  const times = path.stages.map((stage) => {
    const row: Stage = STAGES[stage.name as keyof typeof STAGES];
    const memoryMb = stage.billed?.memoryMb ?? Math.max(row.memoryMb, most);
    return { seconds: secondsOf(stage), memoryMb, storageMb: Math.max(0, row.temporaryMb - FREE_STORAGE_MB) };
  });
  const sum = (value: (each: (typeof times)[number]) => number): number =>
    times.reduce((n, each) => n + value(each), 0);
  const requests = (name: 's3Writes' | 's3Reads'): number | null =>
    billed.length ? billed.reduce((n, each) => n + each[name], 0) : null;
  return {
    gbSeconds: sum(({ seconds, memoryMb }) => (seconds * memoryMb) / MB_OF_GB),
    storageGbSeconds: sum(({ seconds, storageMb }) => (seconds * storageMb) / MB_OF_GB),
    invocations: path.stages.length,
    transitions: transitionsOf(path),
    events: 1,
    s3Writes: requests('s3Writes'),
    s3Reads: requests('s3Reads'),
  };
}

/** The cost of a job, from all the stages that ran. */
export function costOf(path: JobPath): Cost {
  const billed = path.stages.flatMap((stage) => stage.billed ?? []);
  const basis = billed.length ? 'aws' : 'local';
  const seconds = longestChain(path.stages);
  const architecture = billed[0]?.architecture ?? DEFAULT_ARCHITECTURE;
  return priced({ basis, seconds, ...usageOf(path) }, architecture);
}

/** What was used, in money. */
export function priced(used: Omit<CostSummary, 'usd' | 'architecture'>, architecture: Architecture): Cost {
  const parts = partsOf(used, architecture);
  return {
    ...used,
    seconds: exact(used.seconds),
    ...rounded(used),
    usd: exact(parts.reduce((sum, { usd }) => sum + usd, 0)),
    architecture,
    prices: PRICE_LIST,
    parts,
    notCounted: [...NOT_COUNTED, ...(used.basis === 'local' ? NOT_COUNTED_LOCALLY : [])],
  };
}

const partsOf = (usage: Usage, architecture: Architecture): CostPart[] =>
  USED.flatMap((name) => {
    const quantity = usage[name];
    const { what, usd, per } = PRICES[name];
    return quantity === null ? [] : [{ name, what, quantity, usd: exact((quantity / per) * usd[architecture]) }];
  });

/** What travels with an event, stands in `latest.json` and in the report of a batch. */
export function summaryOf({ usd, basis, architecture, seconds, ...cost }: Cost): CostSummary {
  return { usd, basis, architecture, seconds, ...rounded(cost) };
}

function rounded(usage: Usage): Usage {
  const entries = USED.map((name) => [name, usage[name] === null ? null : exact(usage[name])]);
  // Object.fromEntries forgets the keys; they are those of Usage.
  return Object.fromEntries(entries) as unknown as Usage;
}

// Lambda bills a beginning millisecond as a whole one.
const secondsOf = ({ startMs, endMs, billed }: ReportedStage): number =>
  Math.ceil(Math.max(0, endMs - startMs) + (billed?.initMs ?? 0)) / 1000;

/** Variants run side by side, what is not of a variant before and after them. */
function longestChain(stages: readonly ReportedStage[]): number {
  const totals = new Map<string | null, number>();
  for (const stage of stages) totals.set(stage.variant, (totals.get(stage.variant) ?? 0) + secondsOf(stage));
  const variants = [...totals].flatMap(([variant, seconds]) => (variant === null ? [] : [seconds]));
  return (totals.get(null) ?? 0) + Math.max(0, ...variants);
}

/** Without the digits that only binary fractions have. */
const exact = (value: number): number => Number(value.toPrecision(9));
