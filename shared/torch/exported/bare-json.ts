/** A program's JSON by itself, taken out of its archive: enough to look at, and to convert when it needs no weights. */
import type { ByteSource } from '../../bytes/byte-source.ts';
import { fail } from '../../errors.ts';
import type { ProgramArchive, TensorSource } from './archive.ts';

export function jsonArchive(source: ByteSource, format: string): ProgramArchive {
  const noWeights: TensorSource = async (names) =>
    names.size === 0
      ? new Map()
      : fail('NoWeights', {
          file: source.name,
          reason: `it is the JSON of a program without the archive, and the program has ${names.size} weights`,
        });
  return {
    file: source.name,
    format,
    program: { name: 'program', size: source.size, read: () => source.read() },
    version: null,
    stateDict: noWeights,
    constants: noWeights,
    sampleInputs: null,
    warnings: [],
  };
}
