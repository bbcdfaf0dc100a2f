/** The example inputs inside a file. */
import type { SampleInputs } from '../program.ts';
import type { ProgramArchive } from './archive.ts';
export async function readSampleInputs(archive: ProgramArchive, count: number): Promise<SampleInputs | null> { return archive.sampleInputs && count < 0 ? [] : null; }
