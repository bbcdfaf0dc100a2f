/** From measured time and configured memory to money. */
import type { Architecture, Cost, CostPart, CostSummary, Usage } from '../../report/cost.ts';
import { PRICE_LIST, PRICES } from './prices.ts';
import type { JobPath } from './transitions.ts';
import { longestChain, usageOf } from './usage.ts';

/** What a deployment runs on unless it chooses another; who runs on AWS knows better. */
export const DEFAULT_ARCHITECTURE: Architecture = 'arm64';

const NOT_COUNTED = [
  'the free tier',
  'storage of models and results',
  'logs, metrics and traces',
  'retries, earlier attempts, and what follows the writing of the report',
] as const;

const USED = Object.keys(PRICES) as readonly (keyof Usage)[];

/** The cost of a job, from all the stages that ran. */
export function costOf(path: JobPath): Cost {
  const billed = path.stages.flatMap((stage) => stage.billed ?? []);
  const basis = billed.some((each) => each.basis === 'aws') ? 'aws' : 'local';
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
    notCounted: [
      ...NOT_COUNTED,
      ...(used.basis === 'local' ? ['cold starts'] : []),
      ...(used.s3Writes === null ? ['S3 requests'] : []),
    ],
  };
}

const partsOf = (usage: Usage, architecture: Architecture): CostPart[] =>
  USED.flatMap((name) => {
    const quantity = usage[name] ?? null;
    const { what, usd, per } = PRICES[name];
    return quantity === null ? [] : [{ name, what, quantity, usd: exact((quantity / per) * usd[architecture]) }];
  });

/** What travels with an event, stands in `latest.json` and in the report of a batch. */
export function summaryOf({ usd, basis, architecture, seconds, ...cost }: Cost): CostSummary {
  return { usd, basis, architecture, seconds, ...rounded(cost) };
}

const rounded = (usage: Usage): Usage => mapUsage(usage, exact);

/** Every quantity that is known, as another. */
export function mapUsage(usage: Usage, change: (quantity: number) => number): Usage {
  const entries = USED.flatMap((name) => {
    const quantity = usage[name];
    return quantity === undefined ? [] : [[name, quantity === null ? null : change(quantity)] as const];
  });
  // Object.fromEntries forgets the keys; they are those of Usage.
  return Object.fromEntries(entries) as unknown as Usage;
}

/** Without the digits that only binary fractions have. */
const exact = (value: number): number => Number(value.toPrecision(9));
