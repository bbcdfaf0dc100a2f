/** What the stages before have left for this one. */
import type { Json } from '../machine/asl.ts';
import { fieldsOf } from './job-stage.ts';
import type { VariantRequest } from '../job/variants.ts';
import type { ConvertFacts, FactsByStage } from './record.ts';
import type { Workspace } from './workspace.ts';

export async function factsOf<S extends keyof FactsByStage>(
  workspace: Workspace,
  stage: S,
  variant: string | null = null,
): Promise<FactsByStage[S]> {
  const found = await workspace.readFacts<FactsByStage[S]>(stage, variant);
  if (!found?.facts) throw new Error(`the ${stage} stage left no facts for ${variant ?? 'the job'}`);
  return found.facts;
}

export function variantOf(
  { variants }: Pick<ConvertFacts, 'variants'>,
  input: Readonly<Record<string, Json>>,
): VariantRequest {
  const { name } = fieldsOf(input['variant'] ?? null);
  const variant = variants.find((v) => v.name === name);
  if (!variant) throw new Error(`the job has no variant ${JSON.stringify(name)}`);
  return variant;
}
