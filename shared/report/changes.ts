/** What changed since the last run of the same model: size, latency, accuracy, distances, operators. */
import type { OperatorCount, Report, Variant, Verdict } from './report.ts';
import { agreementOf, closestComparison, comparisonWith, largestDifference, smallestSqnr } from './measures.ts';
import { machineText } from './machine.ts';

/** What is measured of a variant; null: it was not. */
const MEASURED = {
  size: ({ bytes }) => bytes,
  latency: ({ validation }) => validation?.latency?.medianMs ?? null,
  latencyRatio: ({ validation }) => validation?.latency?.ratioToFp32 ?? null,
  accuracy: ({ validation }) => validation?.accuracy?.top1 ?? null,
  agreement: (variant) => agreementOf(closestComparison(variant)),
  sqnr: (variant) => smallestSqnr(comparisonWith(variant, 'fp32')),
  difference: (variant) => largestDifference(comparisonWith(variant, 'pytorch')),
} as const satisfies Record<string, (variant: Variant) => number | null>;

export type Measured = keyof typeof MEASURED;
// Object.keys forgets the names.
const NAMES = Object.keys(MEASURED) as readonly Measured[];

export interface Change<T> {
  readonly before: T;
  readonly after: T;
}

export interface VariantChanges {
  readonly variant: string;
  /** Everything that both runs measured, equal or not. */
  readonly measured: readonly ({ readonly what: Measured } & Change<number>)[];
  /** Those whose number of nodes is another. */
  readonly operators: readonly ({ readonly operator: string } & Change<number>)[];
}

export interface Changes {
  /** The run before. */
  readonly since: { readonly job: string; readonly created: string };
  readonly verdict: Change<Verdict>;
  readonly chosen: Change<string | null>;
  /** Whether the model is another file; null: a hash is missing. */
  readonly otherModel: boolean | null;
  /** Latencies of two machines tell nothing of the models; null: one of them is not known. */
  readonly otherMachine: boolean | null;
  readonly versions: readonly ({ readonly of: string } & Change<string>)[];
  /** Options with other values. */
  readonly options: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly variants: readonly VariantChanges[];
}

/** null where either run failed, or made nothing. */
export function changesSince(before: Report, after: Report): Changes | null {
  if (before.failure || after.failure || !before.variants.length || !after.variants.length) return null;
  const names = (report: Report): readonly string[] => report.variants.map(({ name }) => name);
  return {
    since: { job: before.job.id, created: before.job.created },
    verdict: { before: before.verdict.status, after: after.verdict.status },
    chosen: { before: before.chosen, after: after.chosen },
    otherModel: isOther(before.model.sha256, after.model.sha256),
    otherMachine: isOther(machineOf(before), machineOf(after)),
    versions: versionsOf(before, after),
    options: optionsOf(before, after),
    added: names(after).filter((name) => !names(before).includes(name)),
    removed: names(before).filter((name) => !names(after).includes(name)),
    variants: after.variants.flatMap((variant) => {
      const earlier = before.variants.find(({ name }) => name === variant.name);
      return earlier ? [variantChanges({ before: earlier, after: variant }, { before, after })] : [];
    }),
  };
}

const isOther = (before: string | null, after: string | null): boolean | null =>
  before === null || after === null ? null : before !== after;

function machineOf({ variants }: Report): string | null {
  const machine = variants.find(({ validation }) => validation?.latency?.machine)?.validation?.latency?.machine;
  return machine ? machineText(machine) : null;
}

function versionsOf(before: Report, after: Report): Changes['versions'] {
  const versions = (report: Report): readonly (readonly [string, string | null])[] => [
    ['torchferry', report.torchferry],
    ['onnxruntime', report.environment.onnxruntime],
    ['PyTorch', report.model.torchVersion],
  ];
  const earlier = new Map(versions(before));
  return versions(after).flatMap(([of, version]) => {
    const was = earlier.get(of) ?? null;
    return was !== null && version !== null && was !== version ? [{ of, before: was, after: version }] : [];
  });
}

function optionsOf(before: Report, after: Report): string[] {
  const values = ({ job }: Report): Map<string, string> =>
    new Map(job.options.map(({ name, value }) => [name, JSON.stringify(value)]));
  const [was, is] = [values(before), values(after)];
  return [...new Set([...was.keys(), ...is.keys()])].filter((name) => was.get(name) !== is.get(name));
}

function variantChanges(variants: Change<Variant>, reports: Change<Report>): VariantChanges {
  const operators = (at: keyof Change<unknown>): readonly OperatorCount[] =>
    variants[at].operators.length ? variants[at].operators : (reports[at].conversion?.operators ?? []);
  return {
    variant: variants.after.name,
    measured: NAMES.flatMap((what) => {
      const [before, after] = [MEASURED[what](variants.before), MEASURED[what](variants.after)];
      return before === null || after === null ? [] : [{ what, before, after }];
    }),
    operators: otherCounts(operators('before'), operators('after')),
  };
}

function otherCounts(before: readonly OperatorCount[], after: readonly OperatorCount[]): VariantChanges['operators'] {
  const [was, is] = [before, after].map((all) => new Map(all.map(({ operator, count }) => [operator, count])));
  return [...new Set([...was!.keys(), ...is!.keys()])]
    .map((operator) => ({ operator, before: was!.get(operator) ?? 0, after: is!.get(operator) ?? 0 }))
    .filter((each) => each.before !== each.after);
}
