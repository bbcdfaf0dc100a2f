/** What the stages of a job wrote down, and what the state machine knows besides. */
import type { VariantRequest } from '../job/variants.ts';
import type { StageName } from '../machine/stages.ts';
import { rowOf, stagesAt } from '../machine/stages-at.ts';
import type { FactsByStage, StageFacts } from '../workspace/record.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** A failure as the state machine saw it. */
export interface CaughtFailure {
  readonly stage: string;
  readonly error: string;
  readonly cause: string;
  /** When the state was entered, ISO. */
  readonly entered?: string;
}

/** A variant that came through, or did not, as the Map returns it. */
export interface VariantOutcome {
  readonly variant: string;
  readonly failure: CaughtFailure | null;
}

/** What stages wrote, by name and in their order; one that wrote nothing is missing. */
export type Written = ReadonlyMap<string, StageFacts<unknown>>;

export interface VariantFacts {
  readonly request: VariantRequest;
  readonly written: Written;
  readonly caught: CaughtFailure | null;
}

export interface JobFacts {
  readonly written: Written;
  readonly variants: readonly VariantFacts[];
}

/** The facts of a stage, unless it failed or did not run. Each writes its own kind: see `FactsByStage`. */
export const factsIn = <S extends keyof FactsByStage>(written: Written, stage: S): FactsByStage[S] | null =>
  (written.get(stage)?.facts ?? null) as FactsByStage[S] | null;

export async function readJobFacts(workspace: Workspace, outcomes: readonly VariantOutcome[]): Promise<JobFacts> {
  const written = await readWritten(workspace, [...stagesAt('start'), ...stagesAt('job')]);
  const variants = await Promise.all(
    (factsIn(written, 'convert')?.variants ?? []).map(async (request): Promise<VariantFacts> => ({
      request,
      written: await readWritten(workspace, stagesOfVariant(request), request.name),
      caught: outcomes.find((o) => o.variant === request.name)?.failure ?? null,
    })),
  );
  return { written, variants };
}

export function stagesOfVariant(request: VariantRequest): readonly StageName[] {
  return stagesAt('variant').filter((stage) => {
    const { only } = rowOf(stage);
    return only === undefined || request[only];
  });
}

async function readWritten(
  workspace: Workspace,
  stages: readonly StageName[],
  variant: string | null = null,
): Promise<Written> {
  const all = await Promise.all(stages.map((stage) => workspace.readFacts<unknown>(stage, variant)));
  return new Map(all.flatMap((facts) => (facts ? [[facts.stage, facts]] : [])));
}
