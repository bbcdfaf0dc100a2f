/** A `.reference.npz`: inputs of one run and what PyTorch computed from them. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { readNpz } from '../tensor/npz.ts';
import { type ArrayMatch, castBytes, matchArrays, requireFit } from './npz-arrays.ts';
import { type Declared, inMemory, type MemoryTensor, type MemoryTensors } from './session.ts';

export interface Reference {
  readonly inputs: MemoryTensors;
  readonly outputs: MemoryTensors;
}

/** Arrays are named as the model's inputs and outputs, or `input_0`, ..., `output_0`, .... Each is one whole tensor. */
export async function readReference(
  source: ByteSource,
  inputs: readonly Declared[],
  outputs: readonly Declared[],
): Promise<Reference> {
  const file = source.name;
  const arrays = await readNpz(source);
  return {
    inputs: await tensorsOf(
      matchArrays({ file, arrays, declared: inputs, stem: 'input', code: 'BadReferenceData' }),
      file,
    ),
    outputs: await tensorsOf(
      matchArrays({ file, arrays, declared: outputs, stem: 'output', code: 'BadReferenceData' }),
      file,
    ),
  };
}

async function tensorsOf(matches: readonly ArrayMatch[], file: string): Promise<MemoryTensors> {
  const tensors = new Map<string, MemoryTensor>();
  for (const match of matches) {
    const { declared, array } = match;
    requireFit(match, { lead: 0, file, code: 'BadReferenceData' });
    const bytes = castBytes(declared.name, {
      from: array.dtype,
      to: declared.type.dtype,
      bytes: await array.data.read(),
      file,
      code: 'BadReferenceData',
    });
    tensors.set(declared.name, inMemory(declared.type.dtype, array.shape, bytes));
  }
  return tensors;
}
