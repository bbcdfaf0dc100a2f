/** The example inputs that the convert stage kept, to run a model with. */
import { inMemory, type MemoryTensors } from '../../runtime/session.ts';
import type { StoredExample } from './record.ts';
import type { Workspace } from './workspace.ts';

export async function keptExamples(workspace: Workspace, examples: readonly StoredExample[]): Promise<MemoryTensors> {
  const loaded = await Promise.all(
    examples.map(
      async ({ input, dtype, shape, name }) => [input, inMemory(dtype, shape, await workspace.kept(name))] as const,
    ),
  );
  return new Map(loaded);
}
