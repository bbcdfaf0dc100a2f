/** The example inputs inside a PyTorch file, for the inputs of the model it became. */
import type { ReportedTensor } from '../report/report.ts';
import type { TensorData } from '../tensor/data.ts';
import type { TorchProgram } from '../torch/program.ts';

// Examples are one batch; more than this is no example.
const MAX_BYTES = 256 << 20;

interface Wanted {
  readonly inputs: readonly ReportedTensor[];
  readonly warn: (message: string) => void;
}

/** In the order of the inputs; null when the file has not one for every input. */
export async function exampleInputs(
  program: TorchProgram,
  { inputs, warn }: Wanted,
): Promise<readonly TensorData[] | null> {
  const samples = await program.sampleInputs(warn);
  if (!samples) return null;
  const user = program.inputs.filter((input) => input.kind === 'user');
  // The same inputs in the same order as the converter makes: tensors and symbolic ints.
  const bound = user.flatMap((input, i) =>
    input.value.kind === 'tensor' || input.value.kind === 'symint' ? [samples[i] ?? null] : [],
  );
  const total = bound.reduce((n, data) => n + (data?.byteLength ?? 0), 0);
  // A complex input has become a real one with another shape.
  const fits = bound.every((data, i): data is TensorData => data !== null && data.dtype === inputs[i]?.dtype);
  return fits && bound.length === inputs.length && total <= MAX_BYTES ? bound : null;
}
