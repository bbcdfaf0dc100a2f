/** The machines there are for a model: the smallest that holds it in every stage, estimated from its size. */
import type { FargateSizeName } from './fargate-sizes.ts';
import type { Needs, Stage } from './stage.ts';
import { STAGES } from './stages.ts';

/** `large`: second functions of the stages that need more for a large model; then tasks. */
export type TierName = 'standard' | 'large' | FargateSizeName;

export interface Tier {
  readonly name: TierName;
  readonly memoryMb: number;
  /** Of the temporary folder. */
  readonly temporaryMb: number;
}

/** What the largest machine lacks. */
export interface Shortage {
  readonly stage: string;
  readonly what: 'memory' | 'temporary files';
  /** MiB. */
  readonly needed: number;
  readonly there: number;
  /** Size of the largest model that all stages hold. */
  readonly mostBytes: number;
}

const MB = 2 ** 20;

const KINDS = {
  memory: { needsOf: ({ memory }: Needs) => memory, roomOf: ({ memoryMb }: Tier) => memoryMb },
  'temporary files': { needsOf: ({ files }: Needs) => files, roomOf: ({ temporaryMb }: Tier) => temporaryMb },
} as const;

/** The first tier that holds a model of so many bytes. `tiers` begin with the smallest. */
export function tierFor(bytes: number, tiers: readonly Tier[]): Tier | Shortage {
  return tiers.find((tier) => lacking(bytes, tier) === null) ?? lacking(bytes, tiers.at(-1)!)!;
}

/** Size of the largest model that all stages hold there. */
export const mostBytesOf = (tier: Tier): number => Math.min(...linesOf(0, tier).map(({ mostBytes }) => mostBytes));

function lacking(bytes: number, tier: Tier): Shortage | null {
  const missing = linesOf(bytes, tier).filter(({ needed, there }) => needed > there);
  const [worst] = missing.toSorted((a, b) => a.mostBytes - b.mostBytes);
  return worst ?? null;
}

/** What each stage takes of each kind, for a model of so many bytes. */
const linesOf = (bytes: number, tier: Tier): Shortage[] =>
  needsOfStages().flatMap(([stage, needs]) =>
    Object.entries(KINDS).map(([what, { needsOf, roomOf }]) => {
      const { fixedMb, ofModel } = needsOf(needs);
      const there = roomOf(tier);
      return {
        stage,
        what: what as keyof typeof KINDS,
        needed: Math.ceil(fixedMb + (ofModel * bytes) / MB),
        there,
        mostBytes: ofModel === 0 ? Infinity : Math.floor(((there - fixedMb) / ofModel) * MB),
      };
    }),
  );

const needsOfStages = (): [string, Needs][] =>
  Object.entries<Stage>(STAGES).flatMap(([name, { needs }]) => (needs ? [[name, needs] as [string, Needs]] : []));
