/** A program's JSON by itself, taken out of its archive: enough to look at, and to convert when it needs no weights. */
import type { ByteSource } from '../../bytes/byte-source.ts';
import { fail } from '../../errors.ts';
import type { ProgramArchive, TensorSource } from './archive.ts';

/** Null when the first bytes are no object with the keys of a program, in whatever order. */
export function jsonArchive(source: ByteSource, head: Uint8Array): ProgramArchive | null {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('utf8');
  if (
    !/^\uFEFF?\s*\{\s*"(?:graph_module|opset_version|range_constraints|schema_version|verifiers|torch_version|guards_code|dialect)"/.test(
      text,
    )
  )
    return null;
  const noWeights: TensorSource = async (names) =>
    names.size === 0
      ? new Map()
      : fail('NoWeights', {
          file: source.name,
          reason: `it is the JSON of a program without the archive, and the program has ${names.size} weights`,
        });
  return {
    file: source.name,
    format: 'torch.export JSON',
    program: { name: 'program', size: source.size, read: () => source.read() },
    version: null,
    stateDict: noWeights,
    constants: noWeights,
    sampleInputs: null,
    warnings: [],
  };
}
