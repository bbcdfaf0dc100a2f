/** One conformance case: convert, run in onnxruntime on the stored inputs, compare with what PyTorch computed. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileSource } from '../shared/bytes/file-source.ts';
import { convertFile } from '../shared/steps/convert-file.ts';
import { isFailure } from '../shared/errors.ts';
import { type MemoryTensor, openSession, type Session } from '../shared/runtime/session.ts';
import { memoryData, type TensorData } from '../shared/tensor/data.ts';
import type { Dtype } from '../shared/tensor/dtype.ts';
import { readNpz } from '../shared/tensor/npz.ts';
import { decodeNumbers, encodeNumbers } from '../shared/tensor/numbers.ts';
import { disagreement, type Numbers } from './agreement.ts';
import type { Case, CaseData, Corpus } from './corpus.ts';

/**
 * right: every output within the case's tolerance (or refused, where a refusal is right). refused: a typed failure
 * before
 * anything was written. wrong: converted and ran, but differs. broken: converted, but does not load or run, or a bug.
 * absent: PyTorch has no file for it.
 */
export type Verdict = 'right' | 'refused' | 'wrong' | 'broken' | 'absent';

export interface CaseResult {
  readonly name: string;
  readonly verdict: Verdict;
  readonly reason: string;
}

export interface RunOptions {
  readonly folder: string;
  readonly opset?: number;
}

export async function runCase(corpus: Corpus, row: Case, { folder, opset }: RunOptions): Promise<CaseResult> {
  const result = (verdict: Verdict, reason = ''): CaseResult => ({ name: row.name, verdict, reason });
  if (!row.file) return result('absent', row.error ?? '');
  const path = join(folder, 'case.onnx');
  const source = fileSource(join(corpus.folder, row.file));
  try {
    await convertFile({ source, path, options: opset === undefined ? {} : { opset_version: opset }, weights: 'embed' });
  } catch (error) {
    if (!isFailure(error)) return result('broken', `bug: ${error instanceof Error ? error.message : String(error)}`);
    return row.expect === 'reject'
      ? result('right', error.code)
      : result('refused', `${error.code}: ${error.message.split('\n').slice(0, 3).join(' ')}`);
  } finally {
    source.close();
  }
  try {
    if (row.expect === 'reject') return result('wrong', 'it was converted, a refusal is right');
    const problem = await runModel(corpus, row, path);
    return problem === null ? result('right') : result('wrong', problem);
  } catch (error) {
    return result('broken', error instanceof Error ? error.message.slice(0, 300) : String(error));
  } finally {
    rmSync(path, { force: true });
  }
}

async function runModel(corpus: Corpus, row: Case, path: string): Promise<string | null> {
  const session = await openSession(path);
  try {
    for (const data of [row, ...(row.more ?? [])]) {
      const problem =
        data.npz && existsSync(join(corpus.folder, data.npz)) ? await compare(session, corpus, row, data) : null;
      if (problem !== null) return problem;
    }
    return null;
  } finally {
    await session.release();
  }
}

async function compare(session: Session, corpus: Corpus, row: Case, data: CaseData): Promise<string | null> {
  const source = fileSource(join(corpus.folder, data.npz));
  try {
    const arrays = await readNpz(source);
    const stored = data.inputs
      .map((input, i) => ({ input, array: arrays.get(`input_${i}`) }))
      .filter(({ input, array }) => array && input.shape !== null);
    const feeds = new Map<string, TensorData>();
    for (const [i, { name, type }] of session.inputs.entries()) {
      const given = stored[i]?.array;
      if (!given) return `no stored input for "${name}"`;
      feeds.set(name, await asDtype(given.data, type.dtype));
    }
    const results = await session.run(feeds);
    const expected = data.outputs
      .map((output, i) => ({ output, array: arrays.get(`output_${i}`) }))
      .filter(({ array }) => array);
    for (const [i, { output, array }] of expected.entries()) {
      const actual = results.get(session.outputs[i]?.name ?? '');
      if (!actual) return `output ${i} is missing`;
      const problem = disagreementOf(
        actual,
        { ...array!, dtype: array!.data.dtype, bytes: await array!.data.read() },
        row,
      );
      if (problem !== null) return `output ${output.name}: ${problem}`;
    }
    return null;
  } finally {
    source.close();
  }
}

/** bfloat16 and float8 are stored as float32: give the model what it asks for. */
async function asDtype(data: TensorData, dtype: Dtype): Promise<TensorData> {
  const bytes = await data.read();
  if (data.dtype === dtype) return memoryData(dtype, data.shape, bytes);
  return memoryData(dtype, data.shape, encodeNumbers(dtype, decodeNumbers(data.dtype, bytes)));
}

/** Sums whose zero has the sign of the last rounding, and kernels of onnxruntime that give -0 as 0 (Selu, Where). */
const UNSIGNED_ZEROS: ReadonlySet<string> = new Set([
  ...['fft.ifft', 'fft.ihfft', 'fft.ihfft2', 'fft.ihfftn'],
  ...['trunc', 'div.trunc_rounding', 'nn_activations', 'w_strided_storages'],
]);

/** Of random results only the shape can be held. */
function disagreementOf(actual: MemoryTensor, expected: Numbers, row: Case): string | null {
  const found = { dtype: actual.dtype, shape: actual.shape, bytes: actual.memory };
  if (row.deterministic !== false)
    return disagreement(found, expected, { ...row, zeros: UNSIGNED_ZEROS.has(row.name) ? 'unsigned' : 'signed' });
  return disagreement({ ...found, bytes: new Uint8Array() }, { ...expected, bytes: new Uint8Array() }, row);
}
