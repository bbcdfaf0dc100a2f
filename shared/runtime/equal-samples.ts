/** How many samples a model computes as PyTorch does: a `.int8.reference.npz`, sample by sample. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { fail } from '../errors.ts';
import type { EqualSamples } from '../report/report.ts';
import { readNpz } from '../tensor/npz.ts';
import { compareOutput } from './compare.ts';
import { type ArrayMatch, castBytes, matchArrays, requireFit } from './npz-arrays.ts';
import { isWhole, samplesIn } from './samples.ts';
import { type Declared, inMemory, type MemoryTensor, type MemoryTensors, type Session } from './session.ts';
import { actualText } from './shapes.ts';

const code = 'BadReferenceData';

export interface EqualSamplesRequest {
  /** Inputs and outputs of PyTorch, a sample along every first axis; named as in a `.reference.npz`. */
  readonly source: ByteSource;
  readonly inputs: readonly Declared[];
  readonly outputs: readonly Declared[];
  /** How far apart two numbers are that count as equal. */
  readonly atol: number;
}

/**
 * Each sample is a run of its own, because ranges of dynamic modules are per call. Fails with BadReferenceData where
 * the arrays do not fit the model.
 */
export async function equalSamples(session: Session, request: EqualSamplesRequest): Promise<EqualSamples> {
  const { source, inputs, outputs, atol } = request;
  const { name: file } = source;
  const arrays = await readNpz(source);
  const samples = await samplesIn({ file, arrays }, inputs, { code });
  const known: Known[] = [];
  for (const match of matchArrays({ file, arrays, declared: outputs, stem: 'output', code }))
    known.push(await rowsOf(match, { file, count: samples.count }));
  let [at, equal, maxAbsDiff] = [0, 0, 0];
  for await (const batch of samples.batches(1)) {
    const results = await session.run(batch.feeds);
    for (let row = 0; row < batch.samples; row++, at++) {
      const found = known.map((each) => {
        const comparer = compareOutput(each.name, each.dtype, { rtol: 0, atol });
        comparer.add(rowIn(results, each, { row, file }), each.row(at));
        return comparer.result();
      });
      // Without elements nothing differs.
      if (found.every(({ withinTolerance }) => withinTolerance !== false)) equal++;
      maxAbsDiff = Math.max(maxAbsDiff, ...found.map((each) => each.maxAbsDiff));
    }
  }
  return { samples: samples.count, equal, share: equal / samples.count, atol, maxAbsDiff };
}

interface Known extends Pick<MemoryTensor, 'dtype' | 'shape'> {
  /** Of the output. */
  readonly name: string;
  /** What PyTorch computed of a sample. */
  row(at: number): MemoryTensor;
}

async function rowsOf(
  match: ArrayMatch,
  { file, count }: { readonly file: string; readonly count: number },
): Promise<Known> {
  const { declared, array } = match;
  const { name } = declared;
  const { dtype } = declared.type;
  requireFit(match, { lead: isWhole(match) ? 1 : 0, file, code });
  const [rows, ...shape] = array.shape;
  if (rows !== count)
    fail(code, {
      file,
      problem: `the array for "${name}" is ${array.dtype}[${array.shape.join(',')}]`,
      expected: `${count} samples along its first axis, as the inputs have`,
    });
  const bytes = castBytes(name, { from: array.dtype, to: dtype, bytes: await array.data.read(), file, code });
  const width = bytes.byteLength / count;
  const row = (at: number): MemoryTensor => inMemory(dtype, shape, bytes.subarray(at * width, (at + 1) * width));
  return { name, dtype, shape, row };
}

/** One sample of what the model gave; rows behind the samples fill a fixed batch. */
function rowIn(
  results: MemoryTensors,
  { name, dtype, shape }: Known,
  { row, file }: { readonly row: number; readonly file: string },
): MemoryTensor {
  const actual = results.get(name)!;
  const rows = actual.shape.slice(0, actual.shape.length - shape.length).reduce((a, b) => a * b, 1);
  if (row >= rows || actual.shape.slice(actual.shape.length - shape.length).join() !== shape.join())
    fail(code, {
      file,
      problem: `a sample of output "${name}" is ${dtype}[${shape.join(',')}] there`,
      expected: `part of ${actualText(actual)}, as the model gives`,
    });
  const width = actual.memory.byteLength / rows;
  return inMemory(dtype, shape, actual.memory.subarray(row * width, (row + 1) * width));
}
