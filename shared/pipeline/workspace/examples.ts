/**
 * The example inputs inside a PyTorch file, kept between the stage that reads the file and the one that runs the model.
 */
import type { ReportedTensor } from '../../report/report.ts';
import { exampleInputs } from '../../steps/example-inputs.ts';
import type { TorchProgram } from '../../torch/program.ts';
import type { StoredExample } from './record.ts';
import type { Workspace } from './workspace.ts';

/** Keep them under the names of the converted model's inputs; null when the file has not one for every input. */
export async function keepExamples(
  workspace: Workspace,
  program: TorchProgram,
  wanted: { readonly inputs: readonly ReportedTensor[]; readonly warn: (message: string) => void },
): Promise<StoredExample[] | null> {
  const examples = await exampleInputs(program, wanted);
  if (!examples) return null;
  const kept: StoredExample[] = [];
  for (const [i, data] of examples.entries()) {
    const name = `examples/${i}.bin`;
    await workspace.keep(name, await data.read());
    kept.push({ input: wanted.inputs[i]!.name, dtype: data.dtype, shape: data.shape, name });
  }
  return kept;
}
