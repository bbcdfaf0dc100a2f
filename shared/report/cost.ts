/** What a job cost, or would cost, on AWS: an estimate in US dollars, with what it is made of. */
import { formatCount, formatDollars, formatNumber } from './format.ts';

export type Architecture = 'arm64' | 'x86_64';

/** What AWS bills, or would bill, of one invocation of a function, or of one Fargate task, besides its time. */
export interface Billed {
  readonly basis: CostBasis;
  /** Of the function or task. */
  readonly memoryMb: number;
  readonly architecture: Architecture;
  /** Milliseconds that the environment took to start for it; 0: it was there. */
  readonly initMs: number;
  /** Requests that write or list, and those that read. */
  readonly s3Writes: number;
  readonly s3Reads: number;
}

/** What was used, in the units of the price list. */
export interface Usage {
  readonly gbSeconds: number;
  readonly storageGbSeconds: number;
  readonly invocations: number;
  /** States that were entered. */
  readonly transitions: number;
  readonly events: number;
  /** null: not counted, as on this machine. */
  readonly s3Writes: number | null;
  readonly s3Reads: number | null;
  /** Of Fargate tasks; absent: none ran. */
  readonly taskVcpuHours?: number;
  readonly taskGbHours?: number;
  readonly taskStorageGbHours?: number;
}

/**
 * `aws`: times and memory of the functions that ran. `local`: what the same run would cost there, from the times on
 * this machine and the memory that a deployment gives each stage.
 */
export type CostBasis = 'aws' | 'local';

export interface CostSummary extends Usage {
  /** US dollars. */
  readonly usd: number;
  readonly basis: CostBasis;
  readonly architecture: Architecture;
  /** Of the longest chain of stages: how long the job takes where nothing waits for another. */
  readonly seconds: number;
}

export interface CostPart {
  readonly name: keyof Usage;
  readonly what: string;
  readonly quantity: number;
  readonly usd: number;
}

export interface Cost extends CostSummary {
  readonly prices: { readonly region: string; readonly asOf: string };
  readonly parts: readonly CostPart[];
  readonly notCounted: readonly string[];
}

/** Of all conversions of a batch together; `seconds` too are their sum. */
export interface BatchCost extends Cost {
  /** Those whose cost is known. */
  readonly models: number;
}

const BASIS = {
  aws: 'from the times of its functions',
  local: 'on AWS, from the times on this machine',
} as const satisfies Record<CostBasis, string>;

/** `about $0.0012, from the times of its functions (31.2 GB-s, 19 transitions; prices of us-east-1, arm64, 2026-11)`. */
export function costText({ usd, basis, architecture, gbSeconds, transitions, prices }: Cost): string {
  const { region, asOf } = prices;
  const of = `${formatNumber(gbSeconds)} GB-s, ${formatCount(transitions)} transitions`;
  return `about ${formatDollars(usd)} ${BASIS[basis]} (${of}; prices of ${region}, ${architecture}, ${asOf})`;
}

/** What it is made of, and what is left out. */
export const partsText = ({ parts, notCounted }: Cost): string =>
  [
    ...parts.map(({ what, quantity, usd }) => `${what}: ${formatNumber(quantity)}, ${formatDollars(usd)}`),
    `not counted: ${notCounted.join('; ')}`,
  ].join('\n');
