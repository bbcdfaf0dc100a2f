/** A stage in a process of its own: the other side of `stage-process.ts`. */
import { loadStage } from '../shared/pipeline/stages/load.ts';
import { trialsFile } from '../shared/steps/trials-file.ts';
import { billedHere } from './billing.ts';
import { answering } from './child.ts';
import { folderStore } from './folder-store.ts';
import type { StageTask } from './stage-process.ts';

answering<StageTask>(
  async ({ stage, payload, buckets, given, temporaryFolder, processor, trialsFolder }, { tell, signal }) => {
    const run = await loadStage(stage);
    return run(payload, {
      ...billedHere(stage, folderStore(buckets, new Map([['input', given]]))),
      now: () => Date.now(),
      temporaryFolder,
      log: (message, facts) => tell({ message, facts }),
      signal,
      ...(processor ? { processor } : {}),
      ...(trialsFolder === undefined ? {} : { trialsFile: (name: string) => trialsFile(trialsFolder, name) }),
    });
  },
);
