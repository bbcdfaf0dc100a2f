/**
 * The code of a stage by its name. Loaded on demand: whoever runs one stage needs no other, and few need onnxruntime.
 */
import { stageFile } from '../machine/stage.ts';
import type { RunStage } from '../workspace/services.ts';

export async function loadStage(stage: string): Promise<RunStage> {
  // A test loads every stage of the table: each file exports `run`.
  const { run } = (await import(/* @vite-ignore */ `./${stageFile(stage)}`)) as {
    readonly run: RunStage;
  };
  return run;
}
