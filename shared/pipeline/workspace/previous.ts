/** What the stages before have left for this one. */
import type { Json } from '../machine/asl.ts';
import { fieldsOf } from './job-stage.ts';
import type { VariantRequest } from '../job/job.ts';
import type { ConvertFacts } from './record.ts';
import type { Workspace } from './workspace.ts';

export async function factsOf<T>(workspace: Workspace, stage: string, variant: string | null): Promise<T> {
  const found = await workspace.readFacts<T>(stage, variant);
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
