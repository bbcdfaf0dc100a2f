/**
 * The example inputs inside a PyTorch file, kept between the stage that reads the file and the one that runs the model.
 */
import type { ReportedTensor } from '../../report/report.ts';
import type { TorchProgram } from '../../torch/program.ts';
import type { StoredExample } from './record.ts';
import type { Workspace } from './workspace.ts';

// Examples are one batch; more than this is no example.
const MAX_BYTES = 256 << 20;

/** Keep them under the names of the converted model's inputs; null when the file has not one for every input. */
export async function keepExamples(
  workspace: Workspace,
  program: TorchProgram,
  { inputs, warn }: { readonly inputs: readonly ReportedTensor[]; readonly warn: (message: string) => void },
): Promise<StoredExample[] | null> {
  const samples = await program.sampleInputs(warn);
  if (!samples) return null;
  const user = program.inputs.filter((input) => input.kind === 'user');
  // The same inputs in the same order as the converter makes: tensors and symbolic ints.
  const bound = user.flatMap((input, i) =>
    input.value.kind === 'tensor' || input.value.kind === 'symint' ? [samples[i] ?? null] : [],
  );
  const total = bound.reduce((n, data) => n + (data?.byteLength ?? 0), 0);
  if (bound.length !== inputs.length || total > MAX_BYTES) return null;
  const kept: StoredExample[] = [];
  for (const [i, data] of bound.entries()) {
    const { name: input, dtype } = inputs[i]!;
    // A complex input has become a real one with another shape.
    if (!data || data.dtype !== dtype) return null;
    const name = `examples/${i}.bin`;
    await workspace.keep(name, await data.read());
    kept.push({ input, dtype: data.dtype, shape: data.shape, name });
  }
  return kept;
}
